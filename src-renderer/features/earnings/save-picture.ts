/** A drawn SVG as a file of its own: colours and letters as they are on screen now, nothing loaded from elsewhere. */
import { saveBlob, saveText } from '#ui/save.ts'

const KEPT = [
  'fill',
  'stroke',
  'stroke-width',
  'stroke-dasharray',
  'opacity',
  'fill-opacity',
  'font-size',
  'font-weight',
  'font-family',
  'text-anchor',
]
const XMLNS = 'http://www.w3.org/2000/svg'
/** Pixels of a PNG for each of the screen. */
const DENSITY = 2

/** The SVG as text, its styles written into it, on the colour of the card. */
export function svgText(svg: SVGSVGElement): string {
  const copy = svg.cloneNode(true) as SVGSVGElement
  const copies = copy.querySelectorAll('*')
  for (const [index, element] of svg.querySelectorAll('*').entries()) {
    const style = getComputedStyle(element)
    const target = copies[index]
    for (const name of KEPT) {
      const value = style.getPropertyValue(name)
      // Patterns are named within the file; the browser would write the page's address before the name.
      const own = element.getAttribute(name)
      target?.setAttribute(name, own?.startsWith('url(#') === true ? own : value)
    }
    target?.removeAttribute('class')
    target?.removeAttribute('style')
  }
  const { width, height } = svg.getBoundingClientRect()
  const ground = document.createElementNS(XMLNS, 'rect')
  const colour = getComputedStyle(document.documentElement).getPropertyValue('--panel').trim()
  for (const [name, value] of [
    ['width', '100%'],
    ['height', '100%'],
    ['fill', colour],
  ] as const)
    ground.setAttribute(name, value)
  copy.insertBefore(ground, copy.firstChild)
  copy.setAttribute('xmlns', XMLNS)
  copy.setAttribute('width', String(width))
  copy.setAttribute('height', String(height))
  return new XMLSerializer().serializeToString(copy)
}

export const saveSvg = (svg: SVGSVGElement, name: string): void =>
  saveText(`${name}.svg`, 'image/svg+xml', svgText(svg))

/** Rejects where the browser cannot draw it. */
export async function savePng(svg: SVGSVGElement, name: string): Promise<void> {
  const { width, height } = svg.getBoundingClientRect()
  const image = new Image()
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svgText(svg))}`
  await image.decode()
  const canvas = document.createElement('canvas')
  canvas.width = Math.ceil(width * DENSITY)
  canvas.height = Math.ceil(height * DENSITY)
  const context = canvas.getContext('2d')
  if (context === null) throw new Error('the browser gave no canvas')
  context.scale(DENSITY, DENSITY)
  context.drawImage(image, 0, 0, width, height)
  const blob = await new Promise<Blob | null>((done) => canvas.toBlob(done, 'image/png'))
  if (blob === null) throw new Error('the browser made no PNG')
  saveBlob(`${name}.png`, blob)
}
