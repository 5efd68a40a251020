/**
 * The two languages of the simulated world. Documents state relations in one wording, questions and agents ask for
 * them in another, and the telling words of the two are disjoint: that is the gap which a retriever can learn.
 */

export type Kind = 'person' | 'town' | 'work' | 'firm' | 'river';

/** A relation between two kinds of entities, in both wordings. */
export interface Relation {
  readonly name: string;
  readonly subject: Kind;
  readonly object: Kind;
  /** Phrases that stand between subject and object in the documents. */
  readonly documents: readonly [string, string];
  /** Noun phrases that questions and agents use: `the … of X`. */
  readonly agents: readonly [string, string, string];
}

function relation(
  name: string,
  subject: Kind,
  object: Kind,
  documents: readonly [string, string],
  agents: readonly [string, string, string],
): Relation {
  return { name, subject, object, documents, agents };
}

export const relations: readonly Relation[] = [
  relation(
    'birth',
    'person',
    'town',
    ['was born in', 'came into the world at'],
    ['birthplace', 'home town', 'origin'],
  ),
  relation(
    'teacher',
    'person',
    'person',
    ['trained under', 'was apprenticed to'],
    ['mentor', 'tutor', 'teacher'],
  ),
  relation(
    'spouse',
    'person',
    'person',
    ['married', 'exchanged vows with'],
    ['spouse', 'consort', 'partner'],
  ),
  relation(
    'employer',
    'person',
    'firm',
    ['drew wages from', 'entered the service of'],
    ['employer', 'workplace', 'company'],
  ),
  relation(
    'grave',
    'person',
    'town',
    ['was laid to rest in', 'lies buried at'],
    ['grave', 'tomb', 'cemetery'],
  ),
  relation(
    'author',
    'work',
    'person',
    ['was penned by', 'comes from the hand of'],
    ['author', 'writer', 'creator'],
  ),
  relation(
    'premiere',
    'work',
    'town',
    ['was first staged in', 'was first given before a full house in'],
    ['premiere', 'debut', 'opening night'],
  ),
  relation(
    'dedicatee',
    'work',
    'person',
    ['is inscribed to', 'bears a tribute to'],
    ['dedicatee', 'honoree', 'muse'],
  ),
  relation(
    'publisher',
    'work',
    'firm',
    ['was issued by', 'was brought out through'],
    ['publisher', 'imprint', 'press'],
  ),
  relation(
    'founder',
    'firm',
    'person',
    ['was set up by', 'was chartered at the wish of'],
    ['founder', 'initiator', 'entrepreneur'],
  ),
  relation(
    'seat',
    'firm',
    'town',
    ['keeps its registered office in', 'runs its affairs from'],
    ['headquarters', 'home base', 'location'],
  ),
  relation(
    'owner',
    'firm',
    'firm',
    ['was bought out by', 'passed into the hands of'],
    ['owner', 'parent', 'acquirer'],
  ),
  relation(
    'waterway',
    'town',
    'river',
    ['stands on the banks of', 'is washed by'],
    ['waterway', 'stream', 'watercourse'],
  ),
  relation(
    'mayor',
    'town',
    'person',
    ['is governed by', 'has a council chaired by'],
    ['mayor', 'leader', 'chief'],
  ),
  relation(
    'twin',
    'town',
    'town',
    ['keeps a pact of friendship with', 'is paired with'],
    ['sister city', 'twin', 'counterpart'],
  ),
  relation(
    'mouth',
    'river',
    'town',
    ['empties into the sea at', 'reaches the coast by'],
    ['estuary', 'outfall', 'mouth'],
  ),
  relation(
    'source',
    'river',
    'town',
    ['rises above', 'springs from the moor behind'],
    ['source', 'headwater', 'fountainhead'],
  ),
  relation(
    'surveyor',
    'river',
    'person',
    ['was charted by', 'was first sounded by'],
    ['surveyor', 'explorer', 'mapmaker'],
  ),
];

const relationNames = new Map(relations.map(each => [each.name, each]));

export function relationNamed(name: string): Relation {
  const found = relationNames.get(name);
  if (found === undefined) throw new RangeError(`no relation is called ${name}`);
  return found;
}

/** What documents and questions both call an entity of a kind. */
export const kindNouns: Record<Kind, readonly string[]> = {
  person: ['painter', 'engineer', 'singer', 'botanist', 'merchant', 'poet'],
  town: ['town'],
  work: ['novel', 'opera', 'ballad', 'play'],
  firm: ['firm', 'trading house', 'shipyard'],
  river: ['river'],
};

/**
 * First words of aliases, each as the documents have it (`the Glass Heron`) and as questions paraphrase it (`the Crystal
 * Heron`). The paraphrases stand in the documents in passing.
 */
export const aliasAdjectives: readonly (readonly [documents: string, agents: string])[] =
  `amber honey, ashen grey, bitter sour, blind sightless, brazen bronze, bright radiant, broken shattered, burning blazing,
  copper russet, crooked bent, crimson scarlet, distant faraway, drowned sunken, dusty powdery, eastern orient, faded bleached,
  fallen toppled, frozen icy, gilded aureate, glass crystal, golden sunlit, green verdant, hidden concealed, hollow empty,
  honest truthful, iron ferrous, jade emerald, lame limping, last final, little tiny, lonely solitary, lost vanished,
  merry cheerful, midnight nocturnal, mild gentle, muted hushed, northern boreal, olden ancient, pale pallid, patient enduring,
  proud haughty, quiet silent, ragged tattered, restless fidgety, second next, secret covert, silver argent, sleeping dozing,
  solemn earnest, stray errant, tall towering, tender soft, velvet plush, wandering roaming, weary tired, white snowy,
  wild untamed, winter hibernal, wooden timber, barren bleak, blessed hallowed, blue azure, bold daring, brave valiant,
  calm serene, careful wary, chosen elect, clever cunning, cold chilly, curious prying, dancing waltzing, dreaming musing,
  eager keen, early dawning, endless eternal, faithful loyal, famous renowned, fearless intrepid, foreign alien, fragile brittle,
  ghostly spectral, heavy weighty, hungry starving, humble lowly, lofty soaring, lucky fortunate, mighty strong, misty foggy,
  narrow slender, painted dyed, perfect flawless, rapid swift, royal regal, salty briny, shining gleaming, singing chanting,
  spotted dappled, striped banded, sweet sugary, thorny prickly`
    .split(/,\s+/)
    .map(pair => {
      const [documents, agents] = pair.split(' ');
      return [documents!, agents!];
    });

/** Last words of aliases. */
export const aliasNouns: readonly string[] =
  `anchor angel arrow badger beacon bell bramble bridge candle castle chain cloak clover comet compass crane crown
  daughter drum eagle falcon feather fiddle flame fountain fox garden gate harp hawk heron hound island jester key king
  ladder lantern lark lighthouse lily mare mask mill mirror moth oak orchard otter owl pearl pilgrim queen raven ring
  rose saddle sail shepherd sparrow stag star stone swan sword thistle thorn tower trumpet violet wheel willow wolf
  acorn anvil apple ark banner barge barrel basket bear bee birch boat bough bow brook bull buttercup canal carp
  cask cat cedar cherry chisel clock cobbler cockerel colt coral cradle cup dancer deer diamond dolphin dove dragon duke
  elm ember emperor fawn fern ferry fig finch fisher flute forge gander gem giant glove goat goose grove gull hammer hare
  hazel hedge helmet hermit herring horn horse hunter ibis iris ivy jackdaw jug kestrel kettle kite knight knot lamb
  lamp laurel leaf lion lizard locket loom lute magnet magpie maple`.split(/\s+/);

/**
 * Sentences that say nothing about anybody. `{a}` and `{n}` take words of questions' aliases, `{r}` a word that agents use for a
 * relation, `{e}` the name of an entity that is mentioned in passing.
 */
export const fillers: readonly string[] = [
  'The archive keeps several boxes of letters, most of them unread.',
  'Visitors in that season spoke of the {n} above the door and of the cold.',
  'A later account, often copied, confuses the dates.',
  'Historians disagree about the {r} and the sources are thin.',
  'A notebook of the period lists prices for wool, salt and iron.',
  'The name of {e} appears once in the margin, without comment.',
  'Several editions repeat the story of the {a} guest.',
  'Local schools still teach the song.',
  'The catalogue describes the binding as worn.',
  'A short note in the museum mentions a missing {r}.',
  'Much of what was written later depends on hearsay from the market.',
  'A visit by {e} is recorded in the guest book of the inn.',
  'The census of that decade gives figures that cannot be checked.',
  'An exhibition some years ago showed a map and a model.',
  'Critics of the day were divided, and the {r} was hardly discussed.',
  'The weather was poor, the harvest late and the roads full of carts.',
  'An almanac prints a portrait that may be false.',
  'The collection was moved twice and is now with {e}.',
  'A newspaper asked its readers about the {r} and received no answer.',
  'Two drawings survive, both of them unsigned.',
  'The festival in early summer draws singers from the whole district.',
  'Some papers were lost in a fire and others were sold abroad.',
  'The anniversary was marked with a stamp and a lecture.',
  'A guide for travellers praises the view towards {e}.',
  'The question of the {r} has been left to others.',
];

/** Sentences that tell an alias: `{s}` is the proper name, `{x}` the alias. */
export const aliasSentences: readonly string[] = [
  'In older letters {s} appears as {x}, and the signature {x} is kept by the family.',
  'Among friends {s} was simply {x}; a toast to {x} is still drunk.',
  'The chronicle calls {s} by another name, {x}, and says that {x} was a joke at first.',
];
