// The import lists the people and the ids that it leaves out or changes.
import { expect } from "bun:test";
import { at, hash, useImports, user } from "./importing.ts";
import { longTest } from "../../world/long.ts";

const { imported, rowsOf } = useImports();

longTest(
  "usernames that break the rules, are reserved, or are taken without regard to case become others that are free",
  async () => {
    const lines = await imported({
      users: [
        user(3, "ANN"),
        user(4, "john doe"),
        user(5, "Jürgen"),
        user(6, "gemini"),
        user(7, "量子"),
        user(8, "john_doe"),
        user(9, "x"),
        user(10, "a".repeat(40)),
        user(11, " ben "),
        user(12, "ann_3"),
        user(13, "a\u0000b"),
        user(14, "john!doe"),
      ],
    });
    expect(await rowsOf("select id, username from users where id > 2 order by id")).toEqual([
      [3, "ANN_3_3"],
      [4, "john_doe_4"],
      [5, "Jurgen"],
      [6, "user_gemini"],
      [7, "user__"],
      [8, "john_doe"],
      [9, "user_x"],
      [10, "a".repeat(32)],
      [11, "ben_11"],
      [12, "ann_3"],
      [13, "a_b"],
      [14, "john_doe_14"],
    ]);
    expect(lines).toEqual([
      'users 3: taken, but the username "ANN" becomes "ANN_3_3"',
      'users 4: taken, but the username "john doe" becomes "john_doe_4"',
      'users 5: taken, but the username "Jürgen" becomes "Jurgen"',
      'users 6: taken, but the username "gemini" becomes "user_gemini"',
      'users 7: taken, but the username "量子" becomes "user__"',
      'users 9: taken, but the username "x" becomes "user_x"',
      `users 10: taken, but the username "${"a".repeat(40)}" becomes "${"a".repeat(32)}"`,
      'users 11: taken, but the username " ben " becomes "ben_11"',
      'users 13: taken, but the username "ab" becomes "a_b"',
      'users 14: taken, but the username "john!doe" becomes "john_doe_14"',
    ]);
  },
);

longTest(
  "e-mail addresses that are not valid or taken without regard to case are replaced",
  async () => {
    const lines = await imported({
      users: [
        user(3, "carl", { email: "USER1@example.com" }),
        user(4, "dora", { email: "no address" }),
        user(5, "emil", { email: null }),
        user(6, "fay", { email: " fay@example.com " }),
      ],
    });
    expect(await rowsOf("select id, email from users where id > 2 order by id")).toEqual([
      [3, "user-3@imported.invalid"],
      [4, "user-4@imported.invalid"],
      [5, "user-5@imported.invalid"],
      [6, "fay@example.com"],
    ]);
    expect(lines).toEqual([
      'users 3: taken, but the e-mail address "USER1@example.com" is that of an earlier user: it is replaced',
      'users 4: taken, but the e-mail address "no address" is not valid here: it is replaced',
      "users 5: taken, but the e-mail address none is not valid here: it is replaced",
    ]);
  },
);

longTest(
  "nobody signs in with a hash that is not one of bcrypt, or as a user who is not active",
  async () => {
    const lines = await imported({
      users: [
        user(3, "carl", { hashed_password: "$pbkdf2-sha256$29000$x$y" }),
        user(4, "dora", { hashed_password: null }),
        user(5, "emil", { is_active: false }),
        user(6, "fay", { is_active: true, hashed_password: hash.replace("2b", "2a") }),
        user(7, "gus", { hashed_password: hash.replace("$12$", "$31$") }),
      ],
    });
    expect(await rowsOf("select id, hashed_password from users where id > 2 order by id")).toEqual([
      [3, "unusable"],
      [4, "unusable"],
      [5, "unusable"],
      [6, hash.replace("2b", "2a")],
      [7, "unusable"],
    ]);
    expect(lines).toEqual([
      "users 3: taken, but its password hash is not one of bcrypt: nobody can sign in",
      "users 4: taken, but its password hash is not one of bcrypt: nobody can sign in",
      "users 5: taken, but it is not active: nobody can sign in",
      "users 7: taken, but its password hash is not one of bcrypt: nobody can sign in",
    ]);
  },
);

longTest(
  "rows whose ids are none, or those of earlier rows, are left out with all that belongs to them",
  async () => {
    const lines = await imported({
      users: [user(0, "zero"), user(2, "again"), user(-4, "minus"), user(2 ** 53 - 1, "huge")],
      chats: [
        { id: 1, name: "again", created_by: 1 },
        { id: -2, name: "minus", created_by: 1 },
      ],
      chat_participants: [
        { chat_id: 1, user_id: 0, joined_at: at },
        { chat_id: -2, user_id: 1, joined_at: at },
      ],
      messages: [
        { id: 1, chat_id: 1, user_id: 2, content: "again", created_at: at },
        { id: 0, chat_id: 1, user_id: 2, content: "zero", created_at: at },
      ],
    });
    expect(lines).toEqual([
      "users -4: left out: its id is no positive whole number".replace("-4", '"-4"'),
      'users "0": left out: its id is no positive whole number',
      "users 2: left out: an earlier row has the same id",
      'users "9007199254740991": left out: its id is no positive whole number',
      'chats "-2": left out: its id is no positive whole number',
      "chats 1: left out: an earlier row has the same id",
      'chat_participants chat "-2", user "1": left out: there is no such chat',
      'chat_participants chat "1", user "0": left out: there is no such user',
      'messages "0": left out: its id is no positive whole number',
      "messages 1: left out: an earlier row has the same id",
    ]);
    expect(
      await rowsOf("select count(*) from users union all select count(*) from messages"),
    ).toEqual([[2], [1]]);
  },
);
