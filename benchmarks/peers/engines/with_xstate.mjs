// XState on node, either as actors or by its pure functions; measured as measuring.py does.
//
// node --expose-gc with_xstate.mjs ENVIRONMENT actor|pure MACHINE --seconds 0.5 --alive 200

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";

const [environment, way, name, , seconds, , alive] = process.argv.slice(2);
const require = createRequire(join(resolve(environment), "package.json"));
const { assign, createActor, createMachine, initialTransition, transition } = require("xstate");
const version = require("xstate/package.json").version;
const EVENTS = JSON.parse(readFileSync(new URL("events.json", import.meta.url)));

const counted = {
  entry: assign({ entered: ({ context }) => context.entered + 1 }),
  exit: assign({ left: ({ context }) => context.left + 1 }),
};
const keep = (field, from) => assign({ [field]: ({ event }) => event[from] });
const MACHINES = {
  ring: {
    id: "ring",
    initial: "a",
    states: { a: { on: { go: "b" } }, b: { on: { go: "c" } }, c: { on: { go: "d" } }, d: { on: { go: "a" } } },
  },
  parallel: {
    id: "parallel",
    type: "parallel",
    context: { n: 0 },
    states: {
      left: { initial: "left_a", states: { left_a: { on: { go: "left_b" } }, left_b: { on: { go: "left_a" } } } },
      middle: {
        initial: "middle_a",
        states: {
          middle_a: { on: { go: { target: "middle_b", guard: ({ context }) => context.n >= 0 } } },
          middle_b: { on: { go: "middle_a" } },
        },
      },
      right: {
        initial: "right_a",
        states: {
          right_a: { on: { go: { target: "right_b", actions: assign({ n: ({ context }) => context.n + 1 }) } } },
          right_b: { on: { go: "right_a" } },
        },
      },
    },
  },
  history: {
    id: "history",
    initial: "work",
    context: { entered: 0, left: 0 },
    states: {
      work: {
        ...counted,
        initial: "phase",
        on: { leave: "away" },
        states: {
          recall: { type: "history", history: "deep", target: "phase" },
          phase: {
            ...counted,
            initial: "task",
            states: {
              task: {
                ...counted,
                initial: "first",
                states: {
                  first: {
                    ...counted,
                    initial: "x",
                    on: { shift: "second" },
                    states: {
                      x: { ...counted, on: { move: "y" } },
                      y: { ...counted, on: { move: "z" } },
                      z: { ...counted, on: { move: "x" } },
                    },
                  },
                  second: {
                    ...counted,
                    initial: "u",
                    on: { shift: "first" },
                    states: { u: { ...counted, on: { move: "v" } }, v: { ...counted, on: { move: "u" } } },
                  },
                },
              },
            },
          },
        },
      },
      away: { on: { back: "work.recall" } },
    },
  },
  agent: {
    id: "agent",
    initial: "idle",
    context: { question: "", answer: "", tool: "", observation: "", tool_calls: 0, attempts: 0 },
    states: {
      idle: {
        on: {
          asked: {
            target: "turn",
            actions: assign(({ event }) => ({
              question: event.question,
              answer: "",
              observation: "",
              tool_calls: 0,
              attempts: 0,
            })),
          },
        },
      },
      turn: {
        initial: "planning",
        on: { cancelled: "idle" },
        states: {
          planning: {
            on: {
              plan_answer: { target: "#agent.done", actions: keep("answer", "text") },
              plan_tool: {
                target: "executing",
                actions: assign(({ context, event }) => ({
                  tool: event.tool,
                  tool_calls: context.tool_calls + 1,
                  attempts: 1,
                })),
              },
              plan_question: "asking",
            },
          },
          executing: {
            initial: "calling",
            states: {
              calling: {
                on: {
                  tool_succeeded: { target: "#agent.turn.planning", actions: keep("observation", "result") },
                  tool_failed: [
                    { target: "resting", guard: ({ context }) => context.attempts < 3 },
                    { target: "#agent.turn.planning", actions: keep("observation", "reason") },
                  ],
                },
              },
              resting: {
                on: {
                  retry: { target: "calling", actions: assign({ attempts: ({ context }) => context.attempts + 1 }) },
                },
              },
            },
          },
          asking: { on: { replied: { target: "planning", actions: keep("observation", "text") } } },
        },
      },
      done: { on: { acknowledged: "idle" } },
    },
  },
};

const machine = createMachine(MACHINES[name]);
const events = EVENTS[name].map(([type, data]) => ({ type, ...data }));

// An instance is an actor that runs, kept as its persisted snapshot.
const actors = {
  create: () => createActor(machine).start(),
  send: (actor, event) => {
    actor.send(event);
    return actor;
  },
  snapshot: (actor) => actor.getSnapshot(),
  save: (actor) => JSON.stringify(actor.getPersistedSnapshot()),
  load: (text) => createActor(machine, { snapshot: JSON.parse(text) }).start(),
};

// An instance is a snapshot, kept as its value, its context and the ids of the states that history remembers.
const snapshots = {
  create: () => initialTransition(machine)[0],
  send: (snapshot, event) => transition(machine, snapshot, event)[0],
  snapshot: (snapshot) => snapshot,
  save: ({ value, context, historyValue }) => {
    const history = {};
    for (const key in historyValue) history[key] = historyValue[key].map((node) => node.id);
    return JSON.stringify({ value, context, history });
  },
  load: (text) => {
    const { value, context, history } = JSON.parse(text);
    const historyValue = {};
    for (const key in history) historyValue[key] = history[key].map((id) => machine.getStateNodeById(id));
    return machine.resolveState({ value, context, historyValue });
  },
};
const engine = { actor: actors, pure: snapshots }[way];

function drive(instance, times) {
  const { send } = engine;
  for (let time = 0; time < times; time++) {
    for (const event of events) instance = send(instance, event);
  }
  return instance;
}

function look(instance) {
  const { value, context } = engine.snapshot(instance);
  const leaves = [];
  const walk = (part) => {
    if (typeof part === "string") leaves.push(part);
    else Object.values(part).forEach(walk);
  };
  walk(value);
  return [leaves.sort(), context];
}

function trace() {
  let instance = engine.create();
  const sights = [look(instance)];
  for (const event of events) {
    instance = engine.send(instance, event);
    sights.push(look(instance));
  }
  return sights;
}

function traceResumed() {
  let text = engine.save(engine.create());
  const sights = [look(engine.load(text))];
  for (const event of events) {
    text = engine.save(engine.send(engine.load(text), event));
    sights.push(look(engine.load(text)));
  }
  return sights;
}

// The first batch is for what the engine itself allocates on its way: compiled code and what it learns of types.
function weigh(count) {
  let each = 0;
  for (let batch = 0; batch < 2; batch++) {
    const instances = new Array(count).fill(null);
    globalThis.gc();
    const before = process.memoryUsage().heapUsed;
    for (let place = 0; place < count; place++) instances[place] = drive(engine.create(), 1);
    globalThis.gc();
    each = (process.memoryUsage().heapUsed - before) / count;
    instances.length = 0;
  }
  return each;
}

function cpuSeconds(many, times) {
  const began = process.cpuUsage();
  const count = many(times);
  const { user, system } = process.cpuUsage(began);
  return [count, (user + system) / 1e6];
}

function rate(many) {
  globalThis.gc();
  let times = 1;
  let spent = 0;
  while ((spent = cpuSeconds(many, times)[1]) < seconds / 4) times *= 2;
  const [operations, cpu_seconds] = cpuSeconds(many, Math.ceil((times * seconds) / spent));
  return { operations, cpu_seconds };
}

let living = engine.create();
let saved = engine.save(engine.create());
let next = 0;
const measured = {
  version: `xstate ${version}, node ${process.versions.node}`,
  trace: trace(),
  resumed: traceResumed(),
  memory_bytes: weigh(10 * Number(alive)),
  saved_bytes: Buffer.byteLength(engine.save(drive(engine.create(), 1))),
  step: rate((times) => {
    living = drive(living, times);
    return times * events.length;
  }),
  create: rate((times) => {
    for (let time = 0; time < times; time++) engine.create();
    return times;
  }),
  resume: rate((times) => {
    for (let time = 0; time < times; time++) {
      saved = engine.save(engine.send(engine.load(saved), events[next]));
      next = (next + 1) % events.length;
    }
    return times;
  }),
};
console.log(JSON.stringify(measured));
