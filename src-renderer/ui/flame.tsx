/** The mark: a flame over a grate. */
export const Flame = () => (
  <svg viewBox="0 0 20 20" aria-hidden="true" focusable="false">
    <path
      d="M10 1.5c.8 3-1.2 4.300-2.600 6.100C6.100 9.200 5.500 10.600 5.500 12.200a4.500 4.500 0 0 0 9 .2c0-1.500-.6-2.500-1.300-3.400-.3 1.100-.9 1.700-1.800 2 .7-3.300-.1-7-1.400-9.500Z"
      fill="var(--ember)"
    />
    <rect x="4" y="17.300" width="12" height="1.600" rx=".8" fill="currentColor" />
  </svg>
)
