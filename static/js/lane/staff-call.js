// @ts-check
// <staff-call>: says that staff has been called, and who is coming.

import { part } from "../dom.js";
import { say } from "../options.js";

/** @typedef {import("./lane-link.js").LaneAlert} LaneAlert */

const CALLS = new Set(["help", "unresolved", "approval", "payment"]);

/** Events: "cancel". */
export class StaffCall extends HTMLElement {
  connectedCallback() {
    this.stop = new AbortController();
    const { signal } = this.stop;
    const cancel = () => this.dispatchEvent(new Event("cancel"));
    part(this, "call-cancel", HTMLButtonElement).addEventListener("click", cancel, { signal });
  }

  disconnectedCallback() {
    this.stop?.abort();
  }

  /** Shows what is open. @param {LaneAlert[]} alerts @returns {string} what it says; empty where nobody was called */
  show(alerts) {
    const calls = alerts.filter((alert) => CALLS.has(alert.kind));
    const name = calls.find((alert) => alert.taken_by)?.taken_by;
    const text = !calls.length ? "" : name ? say("help_coming", { name }) : say("help_called");
    const word = part(this, "call-word", HTMLElement);
    if (word.textContent !== text) word.textContent = text;
    this.hidden = !text;
    this.toggleAttribute("coming", Boolean(name));
    part(this, "call-cancel", HTMLButtonElement).hidden = !calls.some(({ kind }) => kind === "help" || kind === "unresolved");
    return text;
  }
}

customElements.define("staff-call", StaffCall);
