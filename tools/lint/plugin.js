/** Stoker's own lint rules, an oxlint JS plugin. Each rule has a file, its data a JSON file beside it. */
import { ambientRule } from './ambient.js'
import { importsRule } from './imports.js'
import { sentencesRule } from './sentences.js'
import { uniqueNamesRule } from './unique-names.js'
import { wordsRule } from './words.js'

export default {
  meta: { name: 'stoker' },
  rules: {
    imports: importsRule,
    ambient: ambientRule,
    words: wordsRule,
    sentences: sentencesRule,
    'unique-names': uniqueNamesRule,
  },
}
