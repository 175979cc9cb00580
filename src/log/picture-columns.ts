// The addresses of pictures, which change with each picture, so that clients may keep them.
import type { Fragment, Sql } from "../database/connect.ts";

/**
 * The address of a person's picture, null without one.
 * @param user the prefix of the columns of `users`
 */
export const avatarUrl = (sql: Sql, user: Fragment = sql`u.`): Fragment =>
  sql`'/api/users/' || ${user}id || '/avatar/' || ${user}avatar_id`;
