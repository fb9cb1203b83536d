// @ts-check
// What this device remembers between visits: camera, mirror and sound.

const KEY = "ebrcs.till";

class Preferences {
  constructor() {
    /** @type {{camera?: string, mirror?: boolean, silent?: boolean}} */
    this.values = {};
    try {
      this.values = JSON.parse(localStorage.getItem(KEY) ?? "{}");
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
}

export const preferences = new Preferences();
