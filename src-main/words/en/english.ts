/** The English catalogue, the one every other language is translated from. */
import type { Catalogue } from '../catalogue.ts'
import { backupTextWords } from './backup-text-words.ts'
import { backupWords } from './backup-words.ts'
import { bookWords } from './book-words.ts'
import { breakerWords } from './breaker-words.ts'
import { deviceTextWords } from './device-text-words.ts'
import { deviceWords } from './device-words.ts'
import { diskWords } from './disk-words.ts'
import { engineWords } from './engine-words.ts'
import { exchangeWords } from './exchange-words.ts'
import { grammarWords } from './grammar-words.ts'
import { homeReasonWords } from './home-reason-words.ts'
import { homeTextWords } from './home-text-words.ts'
import { keyWords } from './key-words.ts'
import { marketTextWords } from './market-text-words.ts'
import { modelWords } from './model-words.ts'
import { remoteWords } from './remote-words.ts'
import { requestWords } from './request-words.ts'
import { rimWords } from './rim-words.ts'
import { sellerReasonWords } from './seller-reason-words.ts'
import { sellerWords } from './seller-words.ts'
import { servingWords } from './serving-words.ts'
import { sharedTextWords } from './shared-text-words.ts'

export const english: Catalogue = {
  reasons: {
    ...backupWords,
    ...bookWords,
    ...breakerWords,
    ...deviceWords,
    ...diskWords,
    ...engineWords,
    ...exchangeWords,
    ...grammarWords,
    ...homeReasonWords,
    ...keyWords,
    ...modelWords,
    ...remoteWords,
    ...requestWords,
    ...rimWords,
    ...sellerReasonWords,
    ...sellerWords,
    ...servingWords,
  },
  texts: { ...backupTextWords, ...deviceTextWords, ...homeTextWords, ...marketTextWords, ...sharedTextWords },
}
