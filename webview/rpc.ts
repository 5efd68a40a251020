import type { EditorEvents, EditorRequests, Message } from '../src/protocol.ts';

interface VsCodeApi {
  postMessage(message: Message): void;
  getState(): unknown;
  setState(state: unknown): void;
}
declare function acquireVsCodeApi(): VsCodeApi;

/** The editor, seen from a webview: requests that resolve with a result or reject with an error, and events. */
export class Editor {
  readonly #api = acquireVsCodeApi();
  readonly #waiting = new Map<number, { resolve: (result: never) => void; reject: (error: Error) => void }>();
  readonly #listeners = new Map<string, (payload: never) => void>();
  /** From the clock: an answer to the page that stood here before is not taken for one to this page. */
  #next = Date.now();

  constructor() {
    window.addEventListener('message', event => this.#receive(event.data as Message));
  }

  request<Method extends keyof EditorRequests>(
    method: Method,
    params: EditorRequests[Method]['params'],
  ): Promise<EditorRequests[Method]['result']> {
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#api.postMessage({ kind: 'request', id, method, params });
    });
  }

  on<Event extends keyof EditorEvents>(event: Event, listener: (payload: EditorEvents[Event]) => void): void {
    this.#listeners.set(event, listener as (payload: never) => void);
  }

  /** What the view was looking at, kept over tab switches and reloads. */
  get state(): unknown {
    return this.#api.getState();
  }

  set state(state: unknown) {
    this.#api.setState(state);
  }

  #receive(message: Message): void {
    switch (message.kind) {
      case 'event':
        this.#listeners.get(message.event)?.(message.payload as never);
        break;
      case 'result':
        this.#waiting.get(message.id)?.resolve(message.result as never);
        this.#waiting.delete(message.id);
        break;
      case 'error':
        this.#waiting.get(message.id)?.reject(new Error(message.message));
        this.#waiting.delete(message.id);
        break;
    }
  }
}
