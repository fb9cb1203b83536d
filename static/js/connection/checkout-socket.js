// @ts-check
// The connection of a checkout to the server.

import { cameraKeyNew } from "./camera-key.js";
import { SteadySocket, closeCodes } from "./steady-socket.js";

const PATIENCE = { ping: 500, said: 1700, again: 6000 }; // with the check before it, said within two seconds

/** Events: "message" (detail: a Message of protocol.js), "state" (detail: {state, code}). */
export class CheckoutSocket extends SteadySocket {
  /** @param {string} path */
  constructor(path) {
    super(path, "session.ready", PATIENCE, [closeCodes.unknown, closeCodes.notActive]);
  }

  /**
   * @param {string} cameraKey names this tab, so that the server recognizes its camera after a break
   * @param {() => string} [another] makes another key
   */
  openAs(cameraKey, another = cameraKeyNew) {
    this.another = another;
    this.address.searchParams.set("seat", cameraKey);
    this.open();
  }

  /** Another tab uses this key: without HTTPS there are no locks by which a copied tab could tell. */
  replaced() {
    this.address.searchParams.set("seat", (this.another ?? cameraKeyNew)());
  }
}
