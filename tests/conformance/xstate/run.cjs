// Runs machines on npm's xstate: one JSON object a line in ({machine, script}), one a line out ({steps} or {error}).
//
// A script is a list of events ({event, data}) and times to pass ({wait}). After the start and after each of them a step
// tells the active leaves, the context and whether the machine is done. Names of guards and actions mean what the
// machine says under `foliot`; its CEL is of the kind that JavaScript reads the same.

'use strict'

const readline = require('node:readline')
const { assign, cancel, createActor, createMachine, enqueueActions, raise, SimulatedClock } = require(process.argv[2])

const ITERATIONS_MAX = 100

/** Give an event as Foliot's expressions see it. */
function shown (event, id) {
  const { type, output, ...data } = event
  const done = `xstate.done.state.${id}.`
  if (type === 'xstate.init') return { type: '', data: null }
  if (type.startsWith(done)) return { type: `done.state.${type.slice(done.length)}`, data: output }
  if (type.startsWith('xstate.after.')) return { type: type.slice('xstate.'.length).replace(new RegExp(`(\\.\\d+\\.)${id}\\.?`), '$1'), data: null }
  return { type, data }
}

function compiled (source) {
  return new Function('context', 'event', 'inState', 'params', `return (${source})`)
}

function guardOf (source, id) {
  const condition = compiled(source)
  if (source.includes('params')) return ({ context, event }, params) => condition(context, shown(event, id), undefined, params)
  const guard = () => false
  guard.check = (snapshot, { context, event }) => {
    const inState = path => snapshot._nodes.some(node => node.path.join('.') === path)
    return condition(context, shown(event, id), inState)
  }
  return guard
}

function valuesOf (expressions, id, params) {
  const read = Object.entries(expressions ?? {}).map(([name, each]) => [name, typeof each === 'string' ? compiled(each) : () => each])
  return ({ context, event }) => Object.fromEntries(read.map(([name, value]) => [name, value(context, shown(event, id), undefined, params)]))
}

const UNIT_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

function milliseconds (delay) {
  const found = /^(\d+)(ms|s|m|h|d)$/.exec(delay)
  return found ? Number(found[1]) * UNIT_MS[found[2]] : delay
}

function actionOf (action, id, params) {
  const [[word, body]] = Object.entries(action)
  switch (word) {
    case 'assign': return assign(valuesOf(body, id, params))
    case 'raise': {
      const { event, data } = typeof body === 'string' ? { event: body } : body
      const values = valuesOf(data, id, params)
      return raise(about => ({ ...values(about), type: event }))
    }
    case 'send': {
      const values = valuesOf(body.data, id, params)
      return raise(about => ({ ...values(about), type: body.event }), { delay: milliseconds(body.delay), id: body.id })
    }
    case 'cancel': return cancel(body)
    case 'log': return () => {}
    case 'if': return enqueueActions(({ context, event, enqueue }) => {
      const taken = body.find(each => each.guard === undefined || compiled(each.guard)(context, shown(event, id), undefined, params))
      for (const each of taken?.actions ?? []) enqueue(actionOf(each, id, params))
    })
    default: throw new Error(`no ${word} here`)
  }
}

function listOf (actions, id) {
  return enqueueActions(({ enqueue }, params) => { for (const each of actions) enqueue(actionOf(each, id, params)) })
}

function mapped (object, change) {
  return Object.fromEntries(Object.entries(object ?? {}).map(([name, each]) => [name, change(each)]))
}

function run ({ machine: config, script }) {
  const id = config.id
  const machine = createMachine({ ...config, options: { maxIterations: ITERATIONS_MAX } }, {
    guards: mapped(config.foliot?.guards, each => guardOf(each, id)),
    actions: mapped(config.foliot?.actions, each => listOf(each, id))
  })
  const clock = new SimulatedClock()
  const actor = createActor(machine, { clock })
  actor.subscribe({ error () {} })
  const steps = []
  const look = () => {
    const snapshot = actor.getSnapshot()
    if (snapshot.status === 'error') throw snapshot.error
    const leaves = snapshot._nodes.filter(node => node.type === 'atomic' || node.type === 'final')
    leaves.sort((one, other) => one.order - other.order)
    const configuration = leaves.map(node => node.path.join('.'))
    steps.push({ configuration, context: snapshot.context, done: snapshot.status === 'done' })
  }
  try {
    actor.start()
    look()
    for (const each of script) {
      // The clock moves on before what was due in between happens, so it is moved by as little as there is.
      for (let ms = 0; ms < (each.wait ?? 0); ms++) clock.increment(1)
      if ('event' in each) actor.send({ ...each.data, type: each.event })
      look()
    }
  } catch (error) {
    return { steps, error: String(error.message) }
  }
  return { steps, error: '' }
}

readline.createInterface({ input: process.stdin }).on('line', line => {
  let answer
  try {
    answer = run(JSON.parse(line))
  } catch (error) {
    answer = { steps: [], error: String(error.message) }
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`)
})
