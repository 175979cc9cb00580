// The search for people among many.
import { namePartsOf } from "../../src/accounts/name-search.ts";
import { check, type Bench } from "./bench.ts";
import { tokenOf } from "./data.ts";

const givenNames = ["Ann", "Béla", "Chloé", "Dörte", "Émile", "Søren", "Łukasz", "Mehmet", "Zoë"];
const familyNames = ["Müller", "Nguyễn", "O’Brien", "García", "Kowalski", "Åkesson", "Smith"];
/** Texts as people type them: beginnings of names and usernames, parts of usernames, and names that nobody has. */
const texts = [
  "an",
  "be",
  "chlo",
  "mul",
  "nguyen",
  "obrien 12",
  "found12",
  "und9",
  "nd",
  "zzzz",
  "ak",
];

/**
 * The 99th percentile of searches over HTTP, one at a time, after as many that are not measured.
 * @returns milliseconds
 */
export async function searchLatency(bench: Bench): Promise<number> {
  const { nameSearches } = bench.scale;
  await addPeople(bench);
  const authorization = `Bearer ${await tokenOf(1, bench.secretKey)}`;
  const times: number[] = [];
  for (let n = 0; n < 2 * nameSearches; n += 1) {
    const text = encodeURIComponent(texts[n % texts.length] ?? "");
    const begun = performance.now();
    const response = await fetch(`${bench.product.url}/api/users/search?query=${text}`, {
      headers: { authorization },
    });
    const body = await response.json();
    if (n >= nameSearches) times.push(performance.now() - begun);
    check("a list of people", Number(Array.isArray(body) && body.length <= 10), 1);
  }
  times.sort((one, other) => one - other);
  return times[Math.floor(times.length * 0.99)] ?? 0;
}

/** Adds people with display names, as far as they are not there. */
async function addPeople({ sql, scale }: Bench): Promise<void> {
  const people = Array.from({ length: scale.namedPeople }, (_, n) => {
    const given = givenNames[n % givenNames.length];
    const family = familyNames[Math.floor(n / givenNames.length) % familyNames.length];
    return { username: `found${n}`, name: `${given} ${family} ${n}` };
  });
  const pageSize = 5_000;
  for (let from = 0; from < people.length; from += pageSize) {
    const page = people.slice(from, from + pageSize);
    const parts = page.flatMap(({ username, name }) =>
      namePartsOf(name).map((part) => ({ username, part })),
    );
    await sql`
      insert into users (username, email, hashed_password, display_name)
      select username, username || '@example.com', 'x', name
      from unnest(
        ${page.map(({ username }) => username)}::text[], ${page.map(({ name }) => name)}::text[]
      ) as p (username, name)
      on conflict do nothing
    `;
    await sql`
      insert into display_name_parts (user_id, part)
      select u.id, p.part
      from unnest(
        ${parts.map(({ username }) => username)}::text[], ${parts.map(({ part }) => part)}::text[]
      ) as p (username, part)
      join users u on lower(u.username) = p.username
      on conflict do nothing
    `;
  }
  await sql`analyze users, display_name_parts`;
}
