// @ts-check
// What this device remembers between visits: camera, mirror, sound, how and where it counts.

/** @typedef {import("./connection/protocol.js").Box} Box */

const KEY = "ebrcs.preferences";
const KEY_BEFORE = "ebrcs.till"; // as version 0.2 named it

/** @param {unknown} value */
function isZone(value) {
  if (!Array.isArray(value) || value.length !== 4) return false;
  const [x, y, w, h] = value.map(Number);
  return [x, y, w, h].every((side) => side >= 0 && side <= 1) && w > 0 && h > 0 && x + w <= 1.001 && y + h <= 1.001;
}

class Preferences {
  constructor() {
    /** @type {{camera?: string, mirror?: boolean, silent?: boolean, zone?: Box | null, mode?: string, why?: boolean}} */
    this.values = {};
    try {
      this.values = JSON.parse(localStorage.getItem(KEY) ?? localStorage.getItem(KEY_BEFORE) ?? "{}") ?? {};
    } catch {
      this.values = {};
    }
  }

  /** @param {Partial<Preferences["values"]>} changes */
  keep(changes) {
    Object.assign(this.values, changes);
    try {
      localStorage.setItem(KEY, JSON.stringify(this.values));
    } catch {
      // A browser that stores nothing still works; it only forgets.
    }
  }

  get camera() {
    return this.values.camera ?? "";
  }

  /** undefined: whatever suits the camera */
  get mirror() {
    return this.values.mirror;
  }

  get silent() {
    return this.values.silent ?? false;
  }

  /** The part of the picture that counts; null: all of it. @returns {Box | null} */
  get zone() {
    return isZone(this.values.zone) ? /** @type {Box} */ (this.values.zone) : null;
  }

  /** How products are counted; empty: as the server does by default. */
  get mode() {
    return ["scan", "cart", "tray"].includes(this.values.mode ?? "") ? (this.values.mode ?? "") : "";
  }

  /** Whether the picture shows why things are as they are. */
  get why() {
    return this.values.why ?? false;
  }
}

export const preferences = new Preferences();
