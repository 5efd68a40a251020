import { randomBytes } from 'node:crypto';
import * as vscode from 'vscode';
import { describeError } from '../base/errors.ts';
import type { EditorEvents, EditorRequests, Message } from '../protocol.ts';
import { language } from './figures.ts';

/** The handlers of a view: one for every request that the view can make. */
export type Handlers<Method extends keyof EditorRequests> = {
  readonly [Name in Method]: (
    params: EditorRequests[Name]['params'],
  ) => Promise<EditorRequests[Name]['result']>;
};

/**
 * Shows a bundled view in a webview and answers its requests. Every request gets a result or an error; log text goes to
 * the view as data and is rendered as text there.
 *
 * @param view name of the bundle in `dist/webview` and of the custom element that it defines
 */
export function serveWebview<Method extends keyof EditorRequests>(
  webview: vscode.Webview,
  extension: vscode.Uri,
  view: 'trajectory' | 'list' | 'run' | 'compare' | 'pairs' | 'runs',
  handlers: Handlers<Method>,
  log: vscode.LogOutputChannel,
): {
  readonly listener: vscode.Disposable;
  readonly send: <E extends keyof EditorEvents>(event: E, payload: EditorEvents[E]) => void;
} {
  const bundles = vscode.Uri.joinPath(extension, 'dist', 'webview');
  webview.options = { enableScripts: true, localResourceRoots: [bundles] };
  const post = (message: Message) => void webview.postMessage(message);

  const listener = webview.onDidReceiveMessage(async (message: Message) => {
    if (message.kind !== 'request') return;
    const { id, method, params } = message;
    try {
      if (!Object.hasOwn(handlers, method))
        throw new Error(`The view asked for “${method}”, which it cannot have.`);
      const handler = handlers[method as Method] as (params: unknown) => Promise<unknown>;
      post({ kind: 'result', id, result: await handler(params) });
    } catch (error) {
      log.error(error instanceof Error ? error : String(error));
      post({ kind: 'error', id, message: describeError(error) });
    }
  });
  webview.html = page(webview, bundles, view);
  return { listener, send: (event, payload) => post({ kind: 'event', event, payload }) };
}

/** The icon of a view's tab, which unlike those of the activity bar takes no colour from the theme. */
export function tabIcon(extension: vscode.Uri): { light: vscode.Uri; dark: vscode.Uri } {
  const icon = (kind: string) => vscode.Uri.joinPath(extension, 'media', `tab-${kind}.svg`);
  return { light: icon('light'), dark: icon('dark') };
}

/** The page of a view: nothing may run or load but our own bundle and style sheet. */
function page(webview: vscode.Webview, bundles: vscode.Uri, view: string): string {
  const nonce = randomBytes(16).toString('base64');
  const at = (name: string) => webview.asWebviewUri(vscode.Uri.joinPath(bundles, name)).toString();
  const policy = [
    `default-src 'none'`,
    `script-src 'nonce-${nonce}'`,
    `style-src ${webview.cspSource} 'nonce-${nonce}'`,
    `font-src ${webview.cspSource}`,
  ].join('; ');
  return `<!DOCTYPE html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="${at('style.css')}" nonce="${nonce}">
<title>LRAT</title>
</head>
<body>
<lrat-${view}></lrat-${view}>
<script type="application/json" id="l10n">${inScript(vscode.l10n.bundle ?? {})}</script>
<script nonce="${nonce}" src="${at(`${view}.js`)}"></script>
</body>
</html>`;
}

/** JSON that cannot end the element it stands in. */
function inScript(value: unknown): string {
  return JSON.stringify(value).replaceAll('<', '\\u003c');
}
