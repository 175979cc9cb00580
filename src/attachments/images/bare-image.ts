// An image without its metadata.

export interface BareImage {
  /** The parts of the file that stay, in order: views of its bytes, so that nothing is copied. */
  parts: Uint8Array[];
  /** Whether the file goes to its end: a decoder might show half of an image that was cut off. */
  isWhole: boolean;
  /** Whether the pixels are stored as they are shown. EXIF, which goes, turns those of some photos. */
  isUpright: boolean;
  /** Pixels of the canvas, where the format says it in a way that is read here. */
  size: { width: number; height: number } | undefined;
  /** Bytes that a decoder holds of the whole image beside its pixels, where they are many. */
  heldBytes?: number;
  /** A still image of an animation whose format the decoder does not read. */
  still?: Uint8Array<ArrayBuffer> | undefined;
}

export const textOf = (bytes: Uint8Array, at: number, length: number) =>
  String.fromCharCode(...bytes.subarray(at, at + length));
