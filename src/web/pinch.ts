// Enlarging a picture: by two fingers, a double tap or click, and the wheel with Ctrl, as touchpads send a pinch.
import { useRef, useState } from "preact/hooks";
import { whole, zoomed, type Point, type View } from "./zooming.ts";

const doubleScale = 2.5;

const middleOf = (points: readonly Point[]): Point => ({
  x: points.reduce((sum, { x }) => sum + x, 0) / points.length,
  y: points.reduce((sum, { y }) => sum + y, 0) / points.length,
});

function distanceOf([one, other]: readonly Point[]): number {
  return one && other ? Math.hypot(one.x - other.x, one.y - other.y) : 0;
}

/** Attributes for the place of a picture, and the style of the picture in it. */
export function usePinch() {
  const [view, setView] = useState<View>(whole);
  const fingers = useRef(new Map<number, Point>());

  function change(place: HTMLElement, factor: number, at: Point, moved?: Point) {
    const { left, top, width, height } = place.getBoundingClientRect();
    const middle = { x: at.x - left - width / 2, y: at.y - top - height / 2 };
    setView((before) => zoomed(before, factor, middle, { width, height }, moved));
  }

  return {
    isEnlarged: view.scale > 1,
    style: {
      transform: `translate(${view.x}px, ${view.y}px) scale(${view.scale})`,
    },
    attributes: {
      onPointerDown(event: PointerEvent & { currentTarget: HTMLElement }) {
        fingers.current.set(event.pointerId, { x: event.clientX, y: event.clientY });
        if (view.scale > 1 || fingers.current.size > 1) {
          event.currentTarget.setPointerCapture(event.pointerId);
        }
      },
      onPointerMove(event: PointerEvent & { currentTarget: HTMLElement }) {
        const held = fingers.current;
        if (!held.has(event.pointerId)) return;
        const before = [...held.values()];
        held.set(event.pointerId, { x: event.clientX, y: event.clientY });
        if (held.size === 1 && view.scale === 1) return;
        const after = [...held.values()];
        const [from, to] = [middleOf(before), middleOf(after)];
        const factor = held.size === 2 ? distanceOf(after) / Math.max(1, distanceOf(before)) : 1;
        change(event.currentTarget, factor, from, { x: to.x - from.x, y: to.y - from.y });
      },
      onPointerUp: ({ pointerId }: PointerEvent) => void fingers.current.delete(pointerId),
      onPointerCancel: ({ pointerId }: PointerEvent) => void fingers.current.delete(pointerId),
      onDblClick(event: MouseEvent & { currentTarget: HTMLElement }) {
        const factor = view.scale > 1 ? 1 / view.scale : doubleScale;
        change(event.currentTarget, factor, { x: event.clientX, y: event.clientY });
      },
      onWheel(event: WheelEvent & { currentTarget: HTMLElement }) {
        if (!event.ctrlKey) return;
        event.preventDefault();
        const at = { x: event.clientX, y: event.clientY };
        change(event.currentTarget, Math.exp(-event.deltaY / 200), at);
      },
    },
  };
}
