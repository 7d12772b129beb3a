"""The number of the engine's meaning."""

# One more whenever anything can change a result: this package, CEL, schema validation, JSON, the limits. The golden
# corpus (tests/conformance/golden) fails when output changes and this number does not.
SEMANTICS: int = 5
