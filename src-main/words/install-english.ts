/** Imported first by the entry of a process: from then on its errors have English messages. */
import { installWording } from '#contract/errors.ts'

import { englishWords } from './words.ts'

installWording(englishWords.say)
