// @ts-check
// The receipt at a lane: leaves after a while for the next shopper, and says meanwhile that the lane is there.

import { part } from "../dom.js";
import { closeCodes } from "../connection/steady-socket.js";
import { LaneLink } from "./lane-link.js";

const TICK_MS = 250;
const AGAIN_MS = 2000;
const PATIENCE_MS = 4000;

class LaneReceipt extends HTMLElement {
  isLeaving = false;
  home = "/lane/";
  lastsMs = 0;
  leavesAt = 0;

  connectedCallback() {
    this.stop = new AbortController();
    const { signal } = this.stop;
    this.lastsMs = 1000 * Number(this.dataset.leavesAfterS);
    this.home = this.dataset.home ?? this.home;
    this.leavesAt = performance.now() + this.lastsMs;
    this.timer = setInterval(() => this.tick(), TICK_MS);
    const print = part(this, "print", HTMLButtonElement);
    print.hidden = !("print" in window);
    print.addEventListener("click", () => window.print(), { signal });
    const keep = part(this, "keep", HTMLButtonElement);
    keep.addEventListener("click", () => this.keep(keep), { signal });
    part(this, "done", HTMLButtonElement).addEventListener("click", () => void this.leave(), { signal });
    // Whoever comes next and goes back in the history finds the lane, not the receipt.
    addEventListener("pageshow", (event) => event.persisted && location.replace(this.home), { signal });
    this.link = new LaneLink();
    this.link.activity("receipt");
    this.link.addEventListener("command", (event) => this.ordered(/** @type {CustomEvent} */ (event).detail), { signal });
    this.link.addEventListener("state", (event) => this.linkChanged(/** @type {CustomEvent} */ (event).detail), { signal });
    this.link.open();
    this.tick();
  }

  disconnectedCallback() {
    clearInterval(this.timer);
    this.link?.close();
    this.stop?.abort();
  }

  /** Starts the time anew, once: a receipt must not hold up a lane. @param {HTMLButtonElement} button */
  keep(button) {
    this.leavesAt = performance.now() + this.lastsMs;
    button.hidden = true;
    part(this, "done", HTMLButtonElement).focus({ preventScroll: true });
    this.tick();
  }

  tick() {
    if (this.isLeaving) return;
    const leftMs = Math.max(0, this.leavesAt - performance.now());
    part(this, "seconds", HTMLElement).textContent = String(Math.ceil(leftMs / 1000));
    part(this, "ring", SVGElement).style.strokeDashoffset = String(100 * (1 - leftMs / this.lastsMs));
    if (leftMs === 0) void this.leave();
  }

  /** @param {{command: string}} detail */
  ordered({ command }) {
    if (command === "reset") void this.leave();
  }

  /** Leaves when the lane's key was revoked; a newer window of the lane is left alone. @param {{state: string, code: number}} detail */
  linkChanged({ state, code }) {
    if (state === "refused" && code !== closeCodes.replaced) void this.leave();
  }

  /** Hides the receipt, and goes home once the server is there: a browser's own error page would stay for good. */
  async leave() {
    if (this.isLeaving) return;
    this.isLeaving = true;
    this.dataset.state = "leaving";
    while (!(await this.isThere())) {
      part(this, "waiting", HTMLElement).hidden = false;
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    }
    location.replace(this.home);
  }

  async isThere() {
    try {
      const answer = await fetch(this.home, { method: "HEAD", signal: AbortSignal.timeout(PATIENCE_MS) });
      return answer.status < 500;
    } catch {
      return false;
    }
  }
}

customElements.define("lane-receipt", LaneReceipt);
