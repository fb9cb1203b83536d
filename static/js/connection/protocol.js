// @ts-check
// The shapes that go over the socket; types only.

/** @typedef {[number, number, number, number]} Box x, y, width, height relative to the frame */
/** @typedef {{product_id: string, name: string, quantity: number, unit_price: string | null,
 *   avg_score: number | null, source: string, image: string | null}} CartLine */
/** @typedef {{items: CartLine[], total_items: number, total_amount: string | null, currency: string,
 *   unresolved?: Unresolved[]}} Cart */
/** @typedef {{id: string, kind: "undecided" | "unknown" | "unanswered", track: number | null,
 *   image: string | null, choices: Choice[], created_at: string}} Unresolved */
/** @typedef {{id: string, action: "add" | "remove" | "correct" | "undo" | "sync" | "unresolved" | "dismiss",
 *   product_id: string | null,
 *   name: string, quantity: number, source: "vision" | "barcode" | "manual", undoable: boolean,
 *   instead_id?: string, instead_name?: string, about?: string, unresolved_id?: string}} CartEvent */
/** @typedef {{product_id: string, name: string, image: string | null, price?: string | null}} Choice */
/** @typedef {"candidate" | "accepted" | "ambiguous" | "unknown"} ItemState */
/** @typedef {{frame: number, state: string, name: string | null, score: number, margin: number,
 *   quality: number}} View */
/** @typedef {{frame: number, code: string, params: Record<string, unknown>, text: string}} StoryEvent */
/** @typedef {{sightings: number, views: View[], story: StoryEvent[], inside: boolean}} Why */
/** @typedef {{track: number, box: Box, state: ItemState, product_id: string | null, name: string | null,
 *   score: number | null, margin: number | null, choices: Choice[], why?: Why}} Detection */
/** @typedef {{zone: Box, proposals: Box[], changed: boolean}} FrameDebug */
/** @typedef {{type: "session.ready", protocol: number, session: {status: string, order_id: string | null},
 *   cart: Cart, encoder: string | null, mode?: string, zone?: Box,
 *   limits: {max_fps?: number, max_quantity?: number, pace_ms?: number}}} SessionReady */
/** @typedef {{type: "frame.result", frame: number, dropped: number, detections: Detection[],
 *   timing_ms: Record<string, number>, pace_ms?: number, debug?: FrameDebug}} FrameResult */
/** @typedef {{type: "cart.updated", event: CartEvent, cart: Cart}} CartUpdated */
/** @typedef {{type: "barcode.seen", code: string, track: number | null, product_id: string | null,
 *   name: string | null, agrees: boolean | null}} BarcodeSeen */
/** @typedef {{type: "barcode.added", event_id: string}} BarcodeAdded */
/** @typedef {{type: "session.closed", status: string, order_id: string | null}} SessionClosed */
/** @typedef {{type: "session.moved"}} SessionMoved the visit goes on on another device of the shopper */
/** @typedef {{type: "error", code: string, detail: string, frame?: number, pace_ms?: number,
 *   data?: {items?: {name: string}[], retry_after_s?: number, event_id?: string}}} Refusal */
/** @typedef {{type: "pong"} | {type: "mode.changed", mode: string} | {type: "zone.changed", zone: Box}
 *   | {type: "debug.changed", on: boolean}} Settled */
/** @typedef {SessionReady | FrameResult | CartUpdated | BarcodeSeen | BarcodeAdded | SessionClosed | SessionMoved | Refusal | Settled} Message */

export {};
