// The view of a picture that is enlarged.

const scaleMax = 8;

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** How a picture is enlarged, and moved from its middle in CSS pixels. */
export interface View extends Point {
  readonly scale: number;
}

export const whole: View = { scale: 1, x: 0, y: 0 };

/**
 * Enlarges so that the point under the fingers stays there, as long as the picture still fills its place.
 * @param at the point, from the middle of the place
 * @param moved how far the fingers have moved meanwhile
 */
export function zoomed(
  view: View,
  factor: number,
  at: Point,
  { width, height }: { width: number; height: number },
  moved: Point = { x: 0, y: 0 },
): View {
  const scale = Math.min(scaleMax, Math.max(1, view.scale * factor));
  const ratio = scale / view.scale;
  const limit = (value: number, size: number) => {
    const most = ((scale - 1) * size) / 2;
    return Math.min(most, Math.max(-most, value));
  };
  return {
    scale,
    x: limit(at.x + moved.x - (at.x - view.x) * ratio, width),
    y: limit(at.y + moved.y - (at.y - view.y) * ratio, height),
  };
}
