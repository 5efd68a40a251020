/**
 * How agents speak of a page that they have opened, in English: the vocabulary of the rule judge. Patterns are matched
 * within one sentence, whose markup is gone and whose quotations are empty.
 */

const join = (...alternatives: string[]) => `(?:${alternatives.join('|')})`;

const page = join(
  'pages?|documents?|docs?|articles?|sources?|web ?sites?|sites?|entry|entries|wikipedia|link|file|text|content',
  'contents|paper|post|url|result|one|passage|piece|blog|abstract|material',
);
/** What is opened, named or pointed at, with what may stand between its name and its verb. */
const subject = join(
  `\\b(?:this|that|it|these|those|they|which)`,
  `\\b${page}\\b(?: (?:#?\\d+|"")| (?:on|about|for|from|at|of|by|titled|called|with|i|we) [^,.;:]{1,60}?)?`,
);
const emphasis =
  '(?: (?:also|just|simply|clearly|completely|totally|entirely|wholly|really|still|again|all|quite|so|very|obviously|definitely|certainly|apparently|actually|basically|largely|mostly|even|at all|particularly|rather|pretty|therefore|thus))*';
const is = join(
  `(?:'s| is| was| are| were|'re| seems?| seemed| appears?| appeared| looks?| looked| proves?| proved| sounds?| feels?| remains?| talks?| speaks?)(?: to be| like)?`,
  ' (?:turned|turns) out(?: to be)?',
);
const isNot =
  "(?: is| was| are| were|'s|'re| does| do| did| has| have)(?: not|n't)(?: seem| appear| look| prove)?(?: to be)?";
const doesNot =
  "(?: does| do| did| will| would| can| could)(?: not|n't)| cannot| won't| can't| never| fails to| failed to";
const goal = '(?:the|our|my|this|that|what|any|either|these|those) ?[^,.;]{0,60}';
const useless = join(
  'irrelevant|unrelated|off[- ]?topic|useless|unhelpful|worthless|no good|beside the point|a waste|a dead[- ]?end',
  '(?:of )?(?:no|little or no|zero) (?:\\w+ )?(?:use|help|value|relevance|interest)',
  `(?:about|for|on) (?:something|someone|somebody|an? (?:\\w+ )?(?:entirely |completely |totally )?different|another|an unrelated|the wrong)`,
  `(?:an? |the )?(?:wrong|different|unrelated|irrelevant) (?:${page}|person|man|woman|place|topic|thing|subject|book|film|song|town|company|event|matter)`,
  `(?:an? |the )?${page} (?:on|about|for|of) (?:the wrong|another|an unrelated|an? (?:\\w+ )?different)`,
  'not (?:really |at all |actually |even |particularly )*(?:relevant|helpful|useful|related|of (?:any |much )?(?:use|help|value)|it\\b|the (?:right|correct) one)',
  "not (?:really |at all |actually |even )*what (?:i|we)(?:'m|'re| am| are| was| were)? (?:need|needed|want|wanted|look(?:ing)? for|after|searching for|seeking)",
);
const usefulAfterNot = join(
  'relevant|helpful|useful|related|of (?:any |much )?(?:use|help|value|relevance|interest)|the (?:right|correct) \\w+',
  "what (?:i|we)(?:'m|'re| am| are| was| were)? (?:need|needed|want|wanted|look(?:ing)? for|after|searching for|seeking)",
);
const softened = '(?: (?:really|actually|at all|even|particularly|very|that|all that|so|too))*';
const start =
  '^(?:(?:hmm+|ok(?:ay)?|well|so|no|unfortunately|sadly|alas|again|oh|also|still|ah|and|but|thus|seems|looks like|wait)[,.!:]? )*';

/** The agent's verdict on the whole page. */
export const dismissals: readonly RegExp[] = [
  `${subject}${is}${emphasis} ${useless}`,
  `\\b(?:turned|turns) out(?: to be)? (?:\\w+ )?${useless}`,
  `${subject}${isNot}${softened} ${usefulAfterNot}`,
  `${start}(?:(?:it|this|that)'s |completely |totally |entirely |clearly |quite )?${useless}\\b`,
  `\\b(?:irrelevant|unrelated) to ${goal}(?:question|query|task|topic|goal|problem|search)`,
  `(?:${subject}|${start})(?:${doesNot})${softened} (?:help|be (?:relevant|useful|helpful|of (?:any )?(?:use|help)))\\b`,
  "(?:\\bno|\\bnothing|\\bn't(?: have| contain| give| offer| provide| see| find)? any(?:thing)?|\\bnot(?: \\w+)? any(?:thing)?|\\bwithout any(?:thing)?|\\bhardly any(?:thing)?)(?: (?:really|particularly|at all))* (?:useful|relevant|helpful|pertinent|usable|of (?:use|value|interest|relevance|note))(?! (?:results?|pages?|documents?|hits?|articles?|sources?|search))",
  `\\b(?:nothing|no information|no info) (?:in|on|from|of) (?:this|that|the) (?:opened )?${page}(?: (?:helps?|is|was))\\b`,
  `\\bnone of (?:this|these|it|them|the (?:info|information|details|content))\\b[^.;]{0,60}? (?:is|was|are|were|helps?|answers?|relates?|match(?:es)?)\\b`,
  `\\bnothing (?:here|there|in (?:it|here|there))\\b`,
  `\\bnot what (?:i|we)(?:'m|'re| am| are| was| were)? (?:need|needed|want|wanted|look(?:ing)? for|after|searching for|seeking)`,
  '\\bdead[- ]end\\b',
  `\\bthe wrong ${page}\\b`,
].map(pattern => new RegExp(pattern, 'i'));

const said =
  'mention|contain|include|provide|give|say|state|specify|list|answer|address|discuss|cover|have|show|tell|reveal|talk|match|fit|name|refer|describe|explain|offer|confirm|identify|speak|go into|touch';
/** The page lacks what was sought, or could not be read: a dismissal only where nothing else was of use. */
export const lacks: readonly RegExp[] = [
  `${subject}(?:${doesNot})${softened} (?:seem to |appear to )?(?:${said})\\b`,
  `${start}(?:${doesNot.replaceAll('| ', '|').trim()})${softened} (?:${said})\\b`,
  `${subject}(?: \\w+)? (?:says?|said|tells?|contains?|gives?|provides?|offers?|has|shows?|mentions?) (?:absolutely )?(?:nothing|no (?:information|info|details?|data|mention|answer|clue|evidence|reference))\\b`,
  `\\bno (?:mention|information|info|details?|data|reference|word|indication|evidence|trace|sign|discussion|answer|clue)\\b(?: (?:here|there|in it|at all|given|provided))?(?: (?:of|about|on|regarding|concerning|for|to|whatsoever|in (?:this|that|the) ${page})\\b|[.!]?$)`,
  '\\bnothing (?:about|on|regarding|concerning)\\b',
  `${subject} lacks\\b`,
  `${subject}${isNot} about\\b`,
  `${subject}(?:${doesNot})${softened} (?:yield|bring|turn up|return|produce) (?:any|much|what)`,
  // It was never seen; but another one that the same reasoning speaks of may have been.
  `\\b${page}\\b[^.;]{0,60}?(?: could(?: not|n't)| cannot| can't| can not|not) be (?:accessed|opened|loaded|reached|retrieved|fetched|read|found|displayed|viewed)`,
  `\\b(?:could(?: not|n't)|cannot|can't|unable to|failed to|was not able to|were not able to|not possible to) (?:access|open|load|reach|retrieve|fetch|read|view|get) (?!(?:the|its|any) (?:other|second|third|next|rest))(?:the|this|that|it|any|its)\\b`,
  `\\b${page}\\b[^.;]{0,40}?(?: is| was|'s| seems| came back| returned)(?: \\w+)? (?:empty|blank|unavailable|inaccessible|unreadable|blocked|down|not (?:available|accessible|found)|no longer (?:available|there)|behind a (?:pay|log-?in )?wall|paywalled|an? (?:error|404|403))`,
  `\\b(?:failed to (?:load|open|fetch)|access (?:was )?denied|404 (?:not found|error)|returned (?:an error|nothing|no content))\\b`,
  `\\b(?:did(?: not|n't)|do(?: not|n't)|could(?: not|n't)|can(?:not|'t)) (?:find|see|get|spot|locate) (?:any|anything|it|that|this|the|much|what)[^.;]{0,60}?\\b(?:here|there|in (?:it|this|that|the) ?(?:${page})?|on (?:it|this|that|the) ?(?:${page})?)`,
].map(pattern => new RegExp(pattern, 'i'));

/** Before a dismissal: it is no more than a guess or a condition. */
export const hedged =
  /\b(?:if|whether|unless|in case|might|may|maybe|perhaps|possibly|probably|likely|not sure|unsure|unclear|wonder|suspect|would have|instead of)\b/i;
/** What is said of other pages, or of the search. */
export const ofOthers =
  /\b(?:other|others|another|previous|earlier|remaining|rest|first|second|third|former|search|most|many|some of) (?:\S+ )?$/i;
/** Within a dismissal: it is none, but a reservation. */
export const partly =
  /\b(?:not|n't|no) (?:entirely|fully|completely|exactly|explicitly|directly|necessarily|only|just|immediately|precisely|specifically)\b/i;

const reports = join(
  'mentions?|says?|states?|shows?|indicates?|confirms?|reveals?|lists?|provides?|gives?|gave|contains?|includes?',
  'explains?|describes?|notes?|tells?|told|suggests?|discusses|covers?|names?|identifies|offers?|links?|points?|refers?',
  'answers?|supports?|match(?:es)?|helps?|clarifies|details|reports?|hints?|narrows?|mentioned|said|stated|showed',
  'indicated|confirmed|revealed|listed|provided|described|explained|noted',
);
const nothingOf = '(?! (?:nothing|no|none|neither|little|hardly|not|us nothing|me nothing)\\b)';
const adverbs =
  '(?: (?:also|only|just|explicitly|clearly|directly|does|do|did|already|indeed|specifically|briefly|at least|still|even))*';
const contrast =
  '\\b(?:but|however|though|although|nevertheless|nonetheless|yet|still|that said|on the other hand|even so|at least)\\b,?';
const report = new RegExp(`${subject}${adverbs} ${reports}\\b${nothingOf}`, 'i');
export const opensWithContrast = new RegExp(`^${contrast}`, 'i');
/** What the page was good for after all. */
export const reportAfterContrast = new RegExp(
  `${contrast}(?: (?:it|this|that|they|the ${page}))?(?:${adverbs} ${reports}\\b${nothingOf}|(?: (?:is|was|does|has|have|might|may|could|can|at least|still))* (?:be |have )?(?:some|a few|useful|helpful|relevant|interesting|partially|partly|good|worth|background|part of)\\b)`,
  'i',
);
/** Something is excepted from the dismissal. */
export const exception =
  /\b(?:except|apart from|aside from|other than|besides|beyond|save for)\b(?! (?:that|for that)\b[.,]?$)/i;

/** The page told the agent something. */
export const gains: readonly RegExp[] = [
  report,
  /^(?:(?:ok(?:ay)?|so|ah|oh)[,.!]? )?(?:great|perfect|excellent|nice|wonderful|yes|bingo|found it|awesome|indeed|good[!.,])(?:\b|!)/i,
  /\b(?:is|was|seems?|very|quite|be|partially|partly|somewhat) (?:also |very |quite |somewhat |partially |partly |highly )?(?:useful|helpful|relevant)\b/i,
  /(?<!\b(?:no|any|find|more|other|for|without|not) )\b(?:useful|helpful|relevant) (?:background|context|information|info|details?|clues?|hints?|facts?)\b/i,
  /\b(?:we|i)(?: now| also| already)? (?:have|know|found|see|learn(?:ed)?|can confirm|got)\b(?! (?:to|not|no|nothing|only|yet)\b)/i,
  /\baccording to (?:the|this|that|it)\b/i,
  /\b(?:this|that|it|which) (?:confirms|matches|fits|narrows|gives|means|is (?:the|our) (?:answer|one|person|right))\b/i,
  /\b(?:so|thus|therefore|hence),? (?:the )?(?:final )?answer\b/i,
];
