import { Images } from "./images/images.ts";
import { UploadSlots } from "./upload-slots.ts";

/** The parts of this server that uploads share. */
export class Uploads {
  readonly slots = new UploadSlots();
  readonly images = new Images();
}
