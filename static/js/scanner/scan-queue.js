// @ts-check
// Scans on their way to the server: sent in order, each counted once, also over a connection that comes back.

import { uuidMake } from "../connection/camera-key.js";

/** @typedef {import("../connection/checkout-socket.js").CheckoutSocket} CheckoutSocket */
/** @typedef {{id: string, code: string, at: number, isSent: boolean, field: Element | null}} Scan */

/** A scan that has waited for longer is not added any more: the shopper has moved on. */
const LATE_MS = 10_000;
const AGAIN_MS = 1000;

/** Events: "late" (detail: {scan}) for one that is given up; "waiting" (detail: {scan}) for one without a connection. */
export class ScanQueue extends EventTarget {
  /** @type {Scan[]} not answered yet, the oldest first */
  scans = [];
  isOn = false;

  /** @param {CheckoutSocket} socket */
  constructor(socket) {
    super();
    this.socket = socket;
    socket.addEventListener("state", (event) => {
      this.isOn = /** @type {CustomEvent} */ (event).detail.state === "on";
      if (this.isOn) for (const scan of [...this.scans]) this.send(scan);
    });
  }

  /** @param {string} code @param {Element | null} field where it was scanned */
  add(code, field) {
    const scan = { id: uuidMake(), code, at: performance.now(), isSent: false, field };
    this.scans.push(scan);
    setTimeout(() => this.send(scan), LATE_MS); // gives it up, unless it was answered
    this.send(scan);
    if (!scan.isSent) this.dispatchEvent(new CustomEvent("waiting", { detail: { scan } }));
  }

  /** @param {Scan} scan */
  send(scan) {
    if (!this.scans.includes(scan)) return;
    if (performance.now() - scan.at >= LATE_MS) {
      this.answered(scan.id);
      this.dispatchEvent(new CustomEvent("late", { detail: { scan } }));
    } else if (this.isOn) {
      scan.isSent = this.socket.command({ type: "barcode", code: scan.code, event_id: scan.id }) || scan.isSent;
    }
  }

  /** Returns the scan that an answer is about, and waits no more for it. @param {unknown} id @returns {Scan | null} */
  answered(id) {
    const scan = this.scans.find((one) => one.id === id) ?? null;
    this.scans = this.scans.filter((one) => one !== scan);
    return scan;
  }

  /** Tries a scan again that the server could not take just now; false for one that is not waiting. @param {unknown} id */
  again(id) {
    const scan = this.scans.find((one) => one.id === id);
    if (scan) setTimeout(() => this.send(scan), AGAIN_MS);
    return scan !== undefined;
  }
}
