// @ts-check
// <lane-attract>: what the lane shows while nobody shops, over the picture of its camera.

import { part } from "../dom.js";

/** @typedef {"connecting" | "ready" | "offline" | "closed" | "after_hours" | "ending" | "elsewhere"} AttractState */

/** Events: "start". */
export class LaneAttract extends HTMLElement {
  connectedCallback() {
    this.stop = new AbortController();
    this.start = part(this, "start", HTMLButtonElement);
    this.start.addEventListener("click", () => this.dispatchEvent(new Event("start")), { signal: this.stop.signal });
  }

  disconnectedCallback() {
    this.stop?.abort();
  }

  /** @returns {AttractState} */
  get state() {
    return /** @type {AttractState} */ (this.dataset.state);
  }

  set state(state) {
    if (state === this.state) return;
    this.dataset.state = state;
    for (const message of this.querySelectorAll("[data-when]")) {
      /** @type {HTMLElement} */ (message).hidden = /** @type {HTMLElement} */ (message).dataset.when !== state;
    }
    if (this.start) this.start.disabled = state !== "ready";
    const languages = part(this, "languages", HTMLFormElement);
    for (const button of languages.querySelectorAll("button")) button.disabled = state !== "ready";
  }

  /** Says whether an item can be shown. @param {boolean} on */
  camera(on) {
    for (const hint of this.querySelectorAll("[data-camera]")) {
      /** @type {HTMLElement} */ (hint).hidden = /** @type {HTMLElement} */ (hint).dataset.camera !== (on ? "on" : "off");
    }
  }
}

customElements.define("lane-attract", LaneAttract);
