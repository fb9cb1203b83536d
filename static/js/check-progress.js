// @ts-check
// <check-progress>: polls how far a check of the catalog has come, and reloads the page when it has ended.

import { part } from "./dom.js";

const PAUSE_MS = 1000;

class CheckProgress extends HTMLElement {
  connectedCallback() {
    this.timer = window.setTimeout(() => this.ask(), PAUSE_MS);
  }

  disconnectedCallback() {
    window.clearTimeout(this.timer);
  }

  async ask() {
    try {
      const answer = await fetch(this.dataset.url ?? "", { headers: { Accept: "application/json" } });
      if (answer.ok) this.show(await answer.json());
    } catch {
      // The server may be away for a moment; the next try will tell.
    }
    if (this.isConnected) this.timer = window.setTimeout(() => this.ask(), PAUSE_MS);
  }

  /** @param {{ status: string, done: number, total: number }} state */
  show(state) {
    if (state.status !== "running") {
      window.location.reload();
      return;
    }
    if (!state.total) return;
    const bar = part(this, "bar", HTMLProgressElement);
    bar.max = state.total;
    bar.value = state.done;
    part(this, "count", HTMLElement).textContent = `${state.done} / ${state.total}`;
  }
}

customElements.define("check-progress", CheckProgress);
