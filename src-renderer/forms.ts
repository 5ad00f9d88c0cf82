/** The forms that several screens share. Apart from core-client.ts, so that a screen without a form does not fetch them. */
export { AskForm } from './forms/ask-form.tsx'
export { PowerFields } from './forms/power-fields.tsx'
