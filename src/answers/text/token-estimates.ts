// The tokens of a text, which only the model can count exactly.
const bytesPerToken = 3;
/** The smallest correction of estimates that a room keeps. */
export const tokenRatioMin = 0.5;

/** Returns the bytes of text that fill a prompt, so that nothing older need be read; undefined for no limit. */
export function promptBytesMax(tokensMax: number, tokenRatio: number): number | undefined {
  return tokensMax > 0 ? Math.ceil((tokensMax * bytesPerToken) / tokenRatio) : undefined;
}

/**
 * Estimates tokens, rather too many than too few: English has about 4 bytes a token, other scripts fewer characters.
 * @param ratio tokens that the model counted for each token of earlier estimates
 */
export function estimateTokens(text: string, ratio = 1): number {
  return Math.ceil((Buffer.byteLength(text) / bytesPerToken) * ratio);
}

/** The most tokens that Gemini adds to a turn, for its role and its end. */
const turnTokensMax = 16;

/**
 * Returns the most tokens that Gemini can count for the text of a turn, whatever it says: a token stands for at least one
 * byte. For English this is about four times the real number.
 */
export function tokensAtMost(text: string): number {
  return Buffer.byteLength(text) + turnTokensMax;
}
