// @ts-check
// Cuts one item out of what the camera shows now, for a question about it.

import { middle } from "./frame-pump.js";

/** @typedef {import("./frame-pump.js").Picture} Picture */
/** @typedef {import("../connection/protocol.js").Box} Box */

/** Room around the item, in shares of its longer side: it may have moved a little since it was seen. */
const ROOM = 0.15;
const LONGEST_PX = 320;
const QUALITY = 0.85;

/** Returns the picture as an address, not mirrored, so that what is printed on it can be read; null without a camera.
 *  @param {Picture | null} picture @param {Box} box in shares of the frame sent @returns {string | null} */
export function itemPicture(picture, box) {
  if (!picture?.ready) return null;
  const frame = middle(picture.width, picture.height);
  const [x, y, w, h] = [box[0] * frame.w, box[1] * frame.h, box[2] * frame.w, box[3] * frame.h];
  const room = ROOM * Math.max(w, h);
  const left = Math.max(0, x - room);
  const top = Math.max(0, y - room);
  const width = Math.min(frame.w, x + w + room) - left;
  const height = Math.min(frame.h, y + h + room) - top;
  if (width < 1 || height < 1) return null;
  const scale = Math.min(1, LONGEST_PX / Math.max(width, height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(width * scale));
  canvas.height = Math.max(1, Math.round(height * scale));
  const context = canvas.getContext("2d", { alpha: false });
  if (!context) return null;
  context.drawImage(
    picture.element, frame.x + left, frame.y + top, width, height, 0, 0, canvas.width, canvas.height,
  );
  return canvas.toDataURL("image/jpeg", QUALITY);
}
