import type * as vscode from 'vscode';

/**
 * Brings places on the screen of a view that may not hear of them: it is not loaded yet, or was thrown away while it was
 * hidden. What it missed is kept until it asks.
 */
export class Revealer<Place> implements vscode.Disposable {
  readonly #panel: vscode.WebviewPanel;
  readonly #send: (place: Place) => void;
  readonly #watch: vscode.Disposable;
  #hears = false;
  #missed: Place | null = null;

  constructor(panel: vscode.WebviewPanel, send: (place: Place) => void) {
    this.#panel = panel;
    this.#send = send;
    this.#watch = panel.onDidChangeViewState(() => {
      if (!panel.visible) this.#hears = false;
    });
  }

  reveal(place: Place): void {
    if (this.#hears) this.#send(place);
    else this.#missed = place;
  }

  /** Asked by a view that is loaded: the place to show, or null. From now on it is told. */
  missed(): Place | null {
    this.#hears = this.#panel.visible;
    const missed = this.#missed;
    this.#missed = null;
    return missed;
  }

  dispose(): void {
    this.#watch.dispose();
  }
}
