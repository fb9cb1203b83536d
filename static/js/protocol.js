// @ts-check
// The shapes that go over the socket; types only.

/** @typedef {{product_id: string, name: string, quantity: number, unit_price: string | null,
 *   avg_score: number | null, source: string, image: string | null}} CartLine */
/** @typedef {{items: CartLine[], total_items: number, total_amount: string | null, currency: string}} Cart */
/** @typedef {{action: "add" | "remove" | "sync", product_id: string | null, name: string, quantity: number,
 *   source: "vision" | "barcode" | "manual"}} CartEvent */
/** @typedef {{product_id: string, name: string, image: string | null}} Choice */
/** @typedef {"candidate" | "accepted" | "ambiguous" | "unknown"} ItemState */
/** @typedef {{track: number, box: [number, number, number, number], state: ItemState,
 *   product_id: string | null, name: string | null, score: number | null, margin: number | null,
 *   choices: Choice[]}} Detection */
/** @typedef {{type: "session.ready", protocol: number, session: {status: string, order_id: string | null},
 *   cart: Cart, encoder: string | null, mode?: string, limits: {max_fps?: number, max_quantity?: number}}} SessionReady */
/** @typedef {{type: "frame.result", frame: number, dropped: number, detections: Detection[],
 *   timing_ms: Record<string, number>}} FrameResult */
/** @typedef {{type: "cart.updated", event: CartEvent, cart: Cart}} CartUpdated */
/** @typedef {{type: "session.closed", status: string, order_id: string | null}} SessionClosed */
/** @typedef {{type: "error", code: string, detail: string, frame?: number,
 *   data?: {items?: {name: string}[]}}} Refusal */
/** @typedef {SessionReady | FrameResult | CartUpdated | SessionClosed | Refusal | {type: "pong"}} Message */

export {};
