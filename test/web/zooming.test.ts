// Enlarging a picture.
import { expect, test } from "bun:test";
import { whole, zoomed } from "../../src/web/zooming.ts";

const place = { width: 400, height: 300 };

test("the point under the fingers stays where it is", () => {
  const at = { x: 100, y: -50 };
  const view = zoomed(whole, 2, at, place);
  expect(view).toEqual({ scale: 2, x: -100, y: 50 });
  // A point of the picture is shown at its place times the scale, moved.
  expect([at.x * view.scale + view.x, at.y * view.scale + view.y]).toEqual([at.x, at.y]);
});

test("a picture is never smaller than whole, nor larger than eight times, and stays in its place", () => {
  expect(zoomed({ scale: 2, x: -100, y: 50 }, 0.1, { x: 0, y: 0 }, place)).toEqual({
    scale: 1,
    x: -0,
    y: 0,
  });
  expect(zoomed(whole, 100, { x: 0, y: 0 }, place).scale).toBe(8);
  const moved = zoomed({ scale: 2, x: 0, y: 0 }, 1, { x: 0, y: 0 }, place, { x: 9_999, y: -9_999 });
  expect(moved).toEqual({ scale: 2, x: 200, y: -150 });
});
