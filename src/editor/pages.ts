import * as vscode from 'vscode';

/** What a page answers when the user goes back to the one before. */
export const back = Symbol('the page before');

/** Where a page stands among others. */
export interface Place {
  readonly title: string;
  readonly step: number;
  readonly totalSteps: number;
}

/** Asks for a part of the choices; undefined if the user leaves. */
export type Page<Draft> = (draft: Draft, place: Place) => Promise<Draft | typeof back | undefined>;

/** Goes through pages that one can go back through, each of which adds to a draft. */
export async function turnPages<Draft extends object>(
  title: string,
  pages: readonly Page<Draft>[],
  start: Draft,
): Promise<Draft | undefined> {
  let draft = start;
  for (let at = 0; at < pages.length; ) {
    const answer = await pages[at]!(draft, { title, step: at + 1, totalSteps: pages.length });
    if (answer === undefined) return undefined;
    if (answer === back) at -= 1;
    else {
      draft = { ...draft, ...answer };
      at += 1;
    }
  }
  return draft;
}

/** One page with a list, which may take a while to be found. The item whose value is `last` is chosen at first. */
export async function pick<Item extends vscode.QuickPickItem>(
  place: Place,
  placeholder: string,
  last: string | undefined,
  items: readonly Item[] | Promise<readonly Item[]>,
): Promise<Item | typeof back | undefined> {
  const input = Object.assign(vscode.window.createQuickPick<Item>(), place, { placeholder, busy: true });
  const answer = answerOf(input, place, () => input.activeItems[0]);
  const found = await items;
  input.items = found;
  const active = found.find(item => 'value' in item && item.value === last);
  if (active !== undefined) input.activeItems = [active];
  input.busy = false;
  return answer;
}

/** One page with a list of which several are chosen, one at least. */
export async function pickSome<Item extends vscode.QuickPickItem>(
  place: Place,
  placeholder: string,
  isChosen: (item: Item) => boolean,
  items: readonly Item[],
): Promise<readonly Item[] | typeof back | undefined> {
  const input = Object.assign(vscode.window.createQuickPick<Item>(), place, {
    ...{ placeholder, items, canSelectMany: true },
    selectedItems: items.filter(isChosen),
  });
  return answerOf(input, place, () => (input.selectedItems.length > 0 ? input.selectedItems : undefined));
}

/** One page with a line of text. */
export function ask(
  place: Place,
  prompt: string,
  value: string,
  check: (text: string) => string | undefined,
): Promise<string | typeof back | undefined> {
  const input = Object.assign(vscode.window.createInputBox(), place, { prompt, value });
  input.onDidChangeValue(text => {
    input.validationMessage = check(text);
  });
  return answerOf(input, place, () => (check(input.value) === undefined ? input.value : undefined));
}

/** Shows a page until it is answered, left, or gone back from. */
function answerOf<Answer>(
  input: vscode.QuickPick<vscode.QuickPickItem> | vscode.InputBox,
  { step }: Place,
  answer: () => Answer | undefined,
): Promise<Answer | typeof back | undefined> {
  input.ignoreFocusOut = true;
  if (step > 1) input.buttons = [vscode.QuickInputButtons.Back];
  return new Promise(resolve => {
    let result: Answer | typeof back | undefined;
    input.onDidTriggerButton(() => {
      result = back;
      input.hide();
    });
    input.onDidAccept(() => {
      result = answer();
      if (result !== undefined) input.hide();
    });
    input.onDidHide(() => {
      input.dispose();
      resolve(result);
    });
    input.show();
  });
}
