/** Templates of a few lines that would make gigabytes or run for minutes, and what refuses them. */

/** Doubles `ns.a` so many times. */
const doubled = (start: string, times: number): string =>
  `{% set ns = namespace(a=${start}) %}{% for i in range(${times}) %}{% set ns.a = ns.a + ns.a %}{% endfor %}`
const nested = (times: number): string =>
  `{% set ns = namespace(a=['x']) %}{% for i in range(${times}) %}{% set ns.a = [ns.a, ns.a] %}{% endfor %}`
const chain = Array.from({ length: 40 }, (_, at) => `{% set n${at + 1} = namespace(x=n${at}, y=n${at}) %}`).join('')

export const BOMBS: Readonly<Record<string, readonly [body: string, refusedFor: string]>> = {
  'a text for every character': [`${doubled("'x'", 18)}{{ ns.a.replace('x', ns.a) | length }}`, 'a text of more than'],
  'the same as a filter': [`${doubled("'x'", 18)}{{ ns.a | replace('x', ns.a) | length }}`, 'a text of more than'],
  'between all characters': [`${doubled("'x'", 18)}{{ ns.a.replace('', ns.a) | length }}`, 'a text of more than'],
  'pieces of a text': [`${doubled("'x '", 19)}{{ ns.a.split(' ') | length }}`, 'a list of more than'],
  'words of a text': [`${doubled("'x '", 19)}{{ ns.a.split() | length }}`, 'a list of more than'],
  'a list in a list, as JSON': [`${nested(40)}{{ ns.a | tojson | length }}`, 'a value of more than'],
  'a list in a list, compared': [`${nested(40)}{{ ns.a == 'a' }}`, 'a value of more than'],
  'a list in a list, joined to a text': [`${nested(40)}{{ ('a' ~ ns.a) | length }}`, 'a value of more than'],
  'a list that doubles': [`${doubled("['x']", 30)}{{ ns.a | length }}`, 'a list of more than'],
  'a text that doubles': [`${doubled("'x'", 40)}{{ ns.a | length }}`, 'a text of more than'],
  'a separator of some size': [`${doubled("'x'", 19)}{{ range(9000) | join(ns.a) | length }}`, 'a text of more than'],
  'JSON far to the right': ["{{ ['a'] | tojson(indent=400000000) | length }}", 'a text of more than'],
  'a text far to the right': ["{{ 'a\nb' | indent(400000000) | length }}", 'a text of more than'],
  'namespaces in namespaces': [
    `{% set n0 = namespace(x=1) %}${chain}{{ n40 | string }}`,
    'a namespace into a namespace',
  ],
  'a namespace in its own field': [
    '{% set ns = namespace() %}{% set ns.a = ns %}{{ ns }}',
    'a namespace into a namespace',
  ],
  'a namespace in a list': ['{% set ns = namespace() %}{{ [ns, ns] }}', 'a namespace into a list'],
  'a loop in a loop': [
    '{% set ns = namespace(n=0) %}{% for a in range(9000) %}{% for b in range(9000) %}{% set ns.n = ns.n + 1 %}{% endfor %}{% endfor %}',
    'it takes longer than',
  ],
  'a macro that calls itself': [
    '{% macro m(n) %}{% if n > 0 %}{{ m(n - 1) }}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(60) }}',
    'it takes longer than',
  ],
}

/** All of the messages, and the bomb from the third on: short prompts show nothing. */
export const bitesAtTheThird = (bomb: string): string =>
  `{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}{% if messages | length > 2 %}${bomb}{% endif %}<|im_start|>assistant\n`
