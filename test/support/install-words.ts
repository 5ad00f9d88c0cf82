/** Before every test file: messages of errors in English, as every process of Stoker has them. */
import '#words/install-english.ts'
