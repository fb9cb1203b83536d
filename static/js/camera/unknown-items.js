// @ts-check
// Says that an item is not known, and offers the likeliest products and the other ways to name it.

import { part } from "../dom.js";
import { say } from "../options.js";
import { productRow } from "../cart/product-rows.js";

/** @typedef {import("../connection/protocol.js").Detection} Detection */

const AFTER_MS = 700;
const STAYS_MS = 6000;

/** Dispatches on its stage "unknown" (detail: {text}) and "answer" (detail: {track, product_id}). */
export class UnknownItems {
  /** @type {Map<number, number>} track to the time it was first unknown */
  since = new Map();
  shownAt = -Infinity;
  /** @type {Detection | null} the last unknown item that resembles products of the shop */
  resembling = null;
  offered = "";

  /** @param {HTMLElement} bar @param {EventTarget} stage */
  constructor(bar, stage) {
    this.bar = bar;
    this.stage = stage;
  }

  /** @param {Detection[]} detections */
  consider(detections) {
    const now = performance.now();
    const unknown = detections.filter((detection) => detection.state === "unknown");
    for (const track of this.since.keys()) {
      if (!unknown.some((detection) => detection.track === track)) this.since.delete(track);
    }
    for (const { track } of unknown) if (!this.since.has(track)) this.since.set(track, now);
    if ([...this.since.values()].some((since) => now - since > AFTER_MS)) this.shownAt = now;
    if (detections.some((detection) => detection.state === "accepted")) this.shownAt = -Infinity;
    this.resembling = unknown.find((detection) => detection.choices.length > 0) ?? this.resembling;
    if (now - this.shownAt > STAYS_MS) this.hide();
    else this.show();
  }

  show() {
    const isNew = this.bar.hidden;
    const choices = this.resembling?.choices ?? [];
    const text = say(choices.length ? "unknown_likely" : "unknown_plain");
    this.offer();
    part(this.bar, "unknown-text", HTMLElement).textContent = text;
    this.bar.hidden = false;
    if (isNew) this.stage.dispatchEvent(new CustomEvent("unknown", { detail: { text } }));
  }

  hide() {
    this.resembling = null;
    this.shownAt = -Infinity;
    this.bar.hidden = true;
  }

  /** Puts the likeliest products before the other ways; leaves them alone while they are the same. */
  offer() {
    const choices = this.resembling?.choices ?? [];
    const offered = JSON.stringify([this.resembling?.track, choices.map((choice) => choice.product_id)]);
    if (offered === this.offered) return;
    this.offered = offered;
    const track = this.resembling?.track;
    const last = part(this.bar, "by-hand", HTMLElement);
    const chips = choices.map((choice) =>
      productRow(this.bar, "chip", choice, () => {
        this.hide();
        const detail = { track, product_id: choice.product_id };
        this.stage.dispatchEvent(new CustomEvent("answer", { detail }));
      }),
    );
    last.parentElement?.replaceChildren(...chips, last);
  }
}
