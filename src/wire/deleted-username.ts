/** The username of all deleted accounts. It has a space, so that nobody can register with it. */
export const deletedUsername = "Deleted user";
