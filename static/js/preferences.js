// @ts-check
// What this device remembers, camera and mirror, and what a visit does: sound, how and where it counts, details shown.
// The next shopper at the device begins without the settings of the last. A lane keeps nothing here: its settings
// come from the shop, and what a shopper changes goes with the page.

import { options } from "./options.js";

/** @typedef {import("./connection/protocol.js").Box} Box */
/** @typedef {{camera?: string, mirror?: boolean, silent?: boolean, zone?: Box | null, mode?: string, why?: boolean,
 *   visit?: string}} Kept visit: whose settings these are */

const KEY = "ebrcs.preferences";
const KEY_BEFORE = "ebrcs.till"; // as version 0.2 named it
const OF_VISIT = /** @type {const} */ (["silent", "zone", "mode", "why"]);

/** @param {unknown} value */
function isZone(value) {
  if (!Array.isArray(value) || value.length !== 4) return false;
  const [x, y, w, h] = value.map(Number);
  return [x, y, w, h].every((side) => side >= 0 && side <= 1) && w > 0 && h > 0 && x + w <= 1.001 && y + h <= 1.001;
}

/** Events: "kept" (detail: what changed). */
class Preferences extends EventTarget {
  constructor() {
    super();
    /** @type {Kept} */
    this.values = {};
    if (options.lane) return;
    try {
      this.values = JSON.parse(localStorage.getItem(KEY) ?? localStorage.getItem(KEY_BEFORE) ?? "{}") ?? {};
    } catch {
      this.values = {};
    }
    // Settings that name no visit are from before version 0.5: this visit goes on with them, the next without.
    if (this.values.visit === undefined && OF_VISIT.some((name) => name in this.values)) this.keep({ visit: options.session_id });
  }

  /** What was set in this visit. */
  get ofVisit() {
    return this.values.visit === options.session_id ? this.values : {};
  }

  /** @param {Kept} changes */
  keep(changes) {
    if (OF_VISIT.some((name) => name in changes)) {
      if (this.ofVisit !== this.values) for (const name of OF_VISIT) delete this.values[name];
      this.values.visit = options.session_id;
    }
    Object.assign(this.values, changes);
    this.dispatchEvent(new CustomEvent("kept", { detail: changes }));
    if (options.lane) return;
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
    return this.ofVisit.silent ?? false;
  }

  /** The part of the picture that counts; null: all of it. @returns {Box | null} */
  get zone() {
    return isZone(this.ofVisit.zone) ? /** @type {Box} */ (this.ofVisit.zone) : null;
  }

  /** How products are counted; empty: as the server does by default. */
  get mode() {
    return ["scan", "cart", "tray"].includes(this.ofVisit.mode ?? "") ? (this.ofVisit.mode ?? "") : "";
  }

  /** Whether the picture shows why things are as they are. */
  get why() {
    return this.ofVisit.why ?? false;
  }
}

export const preferences = new Preferences();
