/**
 * Part of the key of cached layers. Raise it when the same text would be read into something else: another default, key,
 * check or message. A test compares the schema with what it was at this version.
 */
export const PARSER_VERSION = 10;
