// Outlines on a field of 24 × 24, drawn with the colour of the text around them.
const paths = {
  add: "M12 5v14M5 12h14",
  attach:
    "M20 11.5l-8 8a5 5 0 0 1-7-7l8.5-8.5a3.4 3.4 0 0 1 4.8 4.8l-8.4 8.4a1.7 1.7 0 0 1-2.4-2.4l7.6-7.6",
  back: "M15 5l-7 7 7 7",
  check: "M5 13l5 5L19 7",
  close: "M6 6l12 12M18 6L6 18",
  down: "M12 5v14M6 13l6 6 6-6",
  download: "M12 4v11M7 10.5l5 5 5-5M5 20h14",
  file: "M6 3h8l5 5v13H6zM14 3v5h5",
  forward: "M9 5l7 7-7 7",
  more: "M6 12a1 1 0 1 0-2 0 1 1 0 0 0 2 0ZM13 12a1 1 0 1 0-2 0 1 1 0 0 0 2 0ZM20 12a1 1 0 1 0-2 0 1 1 0 0 0 2 0Z",
  muted: "M4 4l16 16M9 5.2A5 5 0 0 1 17 9c0 2.4.5 4 1.2 5.2M7 9c0 5-2 6-2 8h11M10 20h4",
  people:
    "M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7ZM2.5 20c.4-3.6 3-6 6.5-6s6.1 2.4 6.5 6M16 4.5a3.5 3.5 0 0 1 0 6.5M18.5 14.5c1.7.9 2.8 2.7 3 5.5",
  pin: "M9 4h6M10 4v6l-3 4h10l-3-4V4M12 14v6",
  play: "M8 5l11 7-11 7z",
  read: "M2.5 12.5l4.5 4.5L16.5 7M11.5 16l1.5 1L22 7",
  retry: "M20 5v5h-5M19.5 10A8 8 0 1 0 20 14",
  search: "M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14ZM16.2 16.2L21 21",
  send: "M12 19V5M6 11l6-6 6 6",
  sent: "M5 12.5l4.5 4.5L19 7",
  settings: "M4 7h9M17 7h3M4 17h3M11 17h9M15 4.5v5M9 14.5v5",
  sparkle: "M12 3c.7 5.2 3 8 9 9-6 1-8.3 3.8-9 9-.7-5.2-3-8-9-9 6-1 8.3-3.8 9-9Z",
  stop: "M7 7h10v10H7z",
} as const;

export type IconName = keyof typeof paths;

/** An icon that is hidden from screen readers, because the element around it has a text. */
export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
      <path d={paths[name]} />
    </svg>
  );
}
