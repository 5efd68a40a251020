import * as vscode from 'vscode';

/** Does something, and hands it the messages that the user is shown meanwhile; nobody answers them. */
export async function whileTold(work: (said: readonly string[]) => Promise<void>): Promise<void> {
  const said: string[] = [];
  const { showInformationMessage } = vscode.window;
  vscode.window.showInformationMessage = async (message: string) => {
    said.push(message);
    return undefined as never;
  };
  try {
    await work(said);
  } finally {
    vscode.window.showInformationMessage = showInformationMessage;
  }
}
