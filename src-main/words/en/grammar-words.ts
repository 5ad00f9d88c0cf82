/** English: jSON schemas and grammars that cannot be enforced. */
import type { grammarFailures } from '#contract/reasons/grammar-failures.ts'

export const grammarWords: Record<keyof typeof grammarFailures, string> = {
  'grammar.nested': 'The JSON schema is nested deeper than {max} levels or too large. Make it smaller.',
  'grammar.bytes': 'The JSON schema has {bytes} bytes; {max} are allowed. Make it smaller.',
  'grammar.unusable': 'This grammar or JSON schema cannot be used: {reason}. Simplify it.',
  'grammar.type': 'This JSON schema cannot be used: "type" is {type}. Use {types}.',
  'grammar.refChain':
    'This JSON schema cannot be used: more than {max} "$ref" lead straight to the next. Let them name the last one.',
  'grammar.refDepth':
    'This JSON schema cannot be used: its "$ref" and "allOf" lead more than {max} parts deep. Use fewer that lead on to others.',
  'grammar.parts':
    'This JSON schema cannot be used: its "allOf" and "anyOf" spread into more than {max} parts. Use fewer that hold each other.',
  'grammar.anyAndOneOf': 'This JSON schema cannot be used: "anyOf" and "oneOf" stand side by side. Use one of them.',
  'grammar.partNoSchema': 'This JSON schema cannot be used: a part of "allOf" or "anyOf" is no schema. Use objects.',
  'grammar.refLoop': 'This JSON schema cannot be used: "$ref" {ref} leads back to itself. Correct it.',
  'grammar.refOutside':
    'This JSON schema cannot be used: "$ref" {ref} lies outside the schema. Put what it names under "$defs".',
  'grammar.refNothing': 'This JSON schema cannot be used: "$ref" {ref} names nothing in the schema. Correct it.',
  'grammar.enumType': 'This JSON schema cannot be used: no value of "enum" has the asked "type". Correct it.',
  'grammar.properties': 'This JSON schema cannot be used: "properties" must be an object. Correct it.',
  'grammar.required': 'This JSON schema cannot be used: "required" must be a list of names. Correct it.',
  'grammar.requiredUnnamed':
    'This JSON schema cannot be used: "required" names {name}, which "properties" does not allow. Correct it.',
  'grammar.minPropertiesNames':
    'This JSON schema cannot be used: "minProperties" asks for more than "required" names. Name them under "required".',
  'grammar.maxProperties':
    'This JSON schema cannot be used: "maxProperties" is smaller than the number of "properties". Leave it out.',
  'grammar.minProperties':
    'This JSON schema cannot be used: "minProperties" above 1 cannot be enforced without named properties. Leave it out.',
  'grammar.wholeNumber': 'This JSON schema cannot be used: "{word}" must be a whole number. Correct it.',
  'grammar.digits': 'This JSON schema cannot be used: "{word}" must be a number of at most 15 digits. Correct it.',
  'grammar.multipleOf': 'This JSON schema cannot be used: "multipleOf" cannot be enforced. Leave it out.',
  'grammar.noneBetween':
    'This JSON schema cannot be used: no {type} can be made between its "minimum" and "maximum". Widen them.',
  'grammar.unenforceable': 'This JSON schema cannot be used: "{word}" cannot be enforced. Leave it out.',
  'grammar.uniqueItems': 'This JSON schema cannot be used: "uniqueItems" cannot be enforced. Leave it out.',
  'grammar.emptyList': 'This JSON schema cannot be used: "{word}" must be a list that is not empty. Correct it.',
  'grammar.twoTypes':
    'This JSON schema cannot be used: "allOf" (or a sibling of "anyOf") asks for two types at once. Correct it.',
  'grammar.saidTwice':
    'This JSON schema cannot be used: "{word}" is said twice and differently by "allOf" (or beside "anyOf"). Say it once.',
  'grammar.tooLarge': 'This JSON schema cannot be used: its grammar is larger than {kib} KiB. Make it smaller.',
  'grammar.contradict': 'This JSON schema cannot be used: its {what} contradict each other. Correct them.',
  'grammar.beyond': 'This JSON schema cannot be used: its {what} are beyond {max}. Lower them.',
  'grammar.endless':
    'This JSON schema cannot be used: it describes a value without end, for instance a required property that holds its own schema. Make that property optional.',
  'grammar.countsTooLarge':
    'This JSON schema cannot be used: its lengths and counts are too large together. Lower maxLength, minLength, maxItems or minItems.',
  'grammar.refToItself': 'This JSON schema cannot be used: a "$ref" leads back to itself. Correct it.',
  'grammar.waysOpen':
    'This JSON schema cannot be used: it leaves more than {max} ways open at one place. Use fewer alternatives, enum values or optional properties.',
  'grammar.alternativesOpen':
    'This JSON schema cannot be used: its alternatives leave more than {max} ways open at once, since they begin alike and hold alternatives again. Let each alternative of "anyOf" begin with a required property of its own name or constant value.',
  'grammar.itemCounts':
    'This JSON schema cannot be used: its minItems and maxItems contradict each other. Correct them.',
  'grammar.prefixItems':
    'This JSON schema cannot be used: "maxItems" is smaller than "prefixItems" is long. Correct it.',
  'grammar.minItems': 'This JSON schema cannot be used: its minItems and items contradict each other. Correct them.',
  'grammar.falsePart':
    'This JSON schema cannot be used: a part of it is false, which no value meets. Leave that part out.',
  'grammar.noSchema': 'This JSON schema cannot be used: a part of it is no schema. Use objects.',
  'grammar.engineRefused': 'the engine refused it',
}
