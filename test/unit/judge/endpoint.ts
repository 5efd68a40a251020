import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Asked {
  readonly path: string;
  readonly authorization: string | undefined;
  readonly body: {
    readonly model: string;
    readonly temperature: number;
    readonly messages: readonly { role: string; content: string }[];
  };
  readonly at: number;
}

/** A server on loopback that answers as the test says, and writes down what it was asked. */
export async function startEndpoint(answer: (asked: Asked, response: ServerResponse, nth: number) => void) {
  const asked: Asked[] = [];
  let [open, most] = [0, 0];
  const server = createServer((request: IncomingMessage, response) => {
    most = Math.max(most, ++open);
    response.on('close', () => open--);
    let text = '';
    request.on('data', chunk => {
      text += chunk;
    });
    request.on('end', () => {
      const { authorization } = request.headers;
      const one = { path: request.url!, authorization, body: JSON.parse(text), at: performance.now() };
      asked.push(one);
      answer(one, response, asked.length);
    });
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    asked,
    /** Most requests that were open at the same time. */
    most: () => most,
    stop: () =>
      new Promise<void>(resolve => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

export function completion(response: ServerResponse, content: string, finish = 'stop'): void {
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(
    JSON.stringify({
      id: 'c',
      object: 'chat.completion',
      created: 0,
      model: 'm',
      choices: [{ index: 0, message: { role: 'assistant', content }, finish_reason: finish }],
      usage: { prompt_tokens: 100, completion_tokens: 10, total_tokens: 110 },
    }),
  );
}
