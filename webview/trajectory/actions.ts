/** What the parts of the view can ask for. */
export interface Actions {
  readonly select: (index: number) => void;
  readonly label: (label: 'relevant' | 'irrelevant' | null) => void;
  readonly openLog: () => void;
  readonly openPair: () => void;
}
