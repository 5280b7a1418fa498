/**
 * The icons of the page, drawn with lines on a grid of 24; decorative, as each stands beside its words.
 */

const shapes = {
  overview: 'M3 13h4l3-8 4 14 3-6h4',
  connect: 'M9 15l6-6M10.5 6.5l1-1a4.2 4.2 0 0 1 6 6l-1 1M13.5 17.5l-1 1a4.2 4.2 0 0 1-6-6l1-1',
  key: 'M15.5 3.5a5 5 0 1 0 0 10 5 5 0 0 0 0-10zM12 12l-8 8M6 18l2.5 2.5M9 15l2 2',
  usage: 'M4 20V10M10 20V4M16 20v-7M21 20H3',
  scouts: 'M4 6.5h16v5H4zM4 15h16v5H4zM7.5 9h.01M7.5 17.5h.01',
  points: 'M12 3.5a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11zM8.5 13.5L7 21l5-2.5 5 2.5-1.5-7.5M12 7v4',
  hubs:
    'M12 3.5a2.5 2.5 0 1 0 0 5 2.5 2.5 0 0 0 0-5zM5.5 15a2.5 2.5 0 1 0 0 5 2.5 2.5 0 0 0 0-5z' +
    'M18.5 15a2.5 2.5 0 1 0 0 5 2.5 2.5 0 0 0 0-5zM10.7 8.2l-4 7M13.3 8.2l4 7M8 17.5h8',
  flag: 'M6 21V4.5h11l-2.5 4 2.5 4H6',
  runs: 'M6 4.5h4v4H6zM14 10h4v4h-4zM6 15.5h4v4H6zM10 6.5h2a2 2 0 0 1 2 2V10M10 17.5h2a2 2 0 0 0 2-2V14',
  play: 'M4 5h16v11H9l-5 4zM8 9h8M8 12h5',
  admin: 'M12 3l7 3v5.5c0 4.3-3 7.6-7 9.5-4-1.9-7-5.2-7-9.5V6zM9 12l2 2 4-4',
  copy: 'M9 9h11v11H9zM5 15H4V4h11v1',
  check: 'M5 12.5l4.5 4.5L19 7.5',
  warn: 'M12 4l9 16H3zM12 10v4M12 17h.01',
  sun:
    'M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM12 2.5v2M12 19.5v2M2.5 12h2M19.5 12h2' +
    'M5.3 5.3l1.4 1.4M17.3 17.3l1.4 1.4M18.7 5.3l-1.4 1.4M6.7 17.3l-1.4 1.4',
  moon: 'M20 14.5A8.5 8.5 0 0 1 9.5 4a8.5 8.5 0 1 0 10.5 10.5z',
  system: 'M3.5 5h17v11h-17zM9 20h6M12 16v4',
  menu: 'M4 7h16M4 12h16M4 17h16',
  close: 'M6 6l12 12M18 6L6 18',
  leave: 'M14 4H5v16h9M10 12h10M17 9l3 3-3 3',
  arrow: 'M5 12h14M13 6l6 6-6 6',
  wallet: 'M4 7h15v12H4zM4 7l11-3v3M15 13h4',
  table: 'M4 5h16v14H4zM4 10h16M4 15h16M10 5v14',
  chart: 'M4 5v14h16M7 15l4-5 3 3 5-7',
  retry: 'M4.5 12a7.5 7.5 0 1 0 2.2-5.3L4.5 9M4.5 4.5V9H9',
  download: 'M12 4v11M7 11l5 5 5-5M5 20h14',
  plus: 'M12 5v14M5 12h14',
} as const

export type IconName = keyof typeof shapes

export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
      <path d={shapes[name]} />
    </svg>
  )
}

/** Two cliffs and the way between them. */
export function Mark() {
  return (
    <svg width="22" height="22" viewBox="0 0 24 24" aria-hidden="true" fill="currentColor">
      <path d="M2 3h7.5l-2 6 2.5 4-2 8H2z" />
      <path d="M22 3h-7l2 5-3 5 2.5 8H22z" opacity="0.550" />
    </svg>
  )
}
