/** Mantine in the look's clothes; colours come from the tokens in ui/styles/tokens.css. */
import { createTheme, type MantineColorsTuple } from '@mantine/core'

const ember: MantineColorsTuple = [
  '#fff3ec',
  '#fbe6da',
  '#f6cbb2',
  '#f0ad87',
  '#ea9263',
  '#e07a44',
  '#cf6327',
  '#c2541a',
  '#b4460f',
  '#8f350a',
]
const warm: MantineColorsTuple = [
  '#f1ede8',
  '#c9c2b9',
  '#a9a198',
  '#7c746b',
  '#4b443d',
  '#332e29',
  '#26221e',
  '#1f1c19',
  '#191614',
  '#161412',
]

export const theme = createTheme({
  fontFamily: "'Inter Variable', Inter, system-ui, sans-serif",
  fontFamilyMonospace: "ui-monospace, 'SF Mono', Menlo, Consolas, monospace",
  colors: { ember, dark: warm },
  primaryColor: 'ember',
  primaryShade: { light: 8, dark: 5 },
  defaultRadius: 8,
  cursorType: 'pointer',
  focusRing: 'auto',
  respectReducedMotion: true,
  shadows: { xs: 'none', sm: 'none', md: 'none', lg: 'none', xl: 'none' },
  components: {
    Button: { defaultProps: { size: 'sm', variant: 'filled' } },
    Notification: { defaultProps: { closeButtonProps: { 'aria-label': 'dismiss' } } },
    Modal: {
      defaultProps: {
        transitionProps: { duration: 120 },
        overlayProps: { backgroundOpacity: 0.35 },
        closeButtonProps: { 'aria-label': 'close' },
      },
    },
    Drawer: {
      defaultProps: {
        position: 'right',
        size: 'lg',
        transitionProps: { duration: 120 },
        overlayProps: { backgroundOpacity: 0.35 },
        closeButtonProps: { 'aria-label': 'close' },
      },
    },
    SegmentedControl: { defaultProps: { size: 'xs', radius: 7, transitionDuration: 120 } },
  },
})
