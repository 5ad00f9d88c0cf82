/** The grade specs that ship with the practice exchange. Versioned data: resources/grades/practice.json. */
import { gradeSpecs, type GradeSpec } from '#contract/grades.ts'

import practice from '../../resources/grades/practice.json' with { type: 'json' }

/** Parsed and checked; throws ZodError when the shipped file is broken (a test reads it). */
export const loadGradeSpecs = (): GradeSpec[] => gradeSpecs.parse(practice)
