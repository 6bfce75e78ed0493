/** JSON text in a column, with the type of what it holds. */
export type Json<T> = string & { readonly holds?: T };

export function toJson<T>(value: T): Json<T> {
  return JSON.stringify(value);
}

/** Only makima writes these columns, and it checks what it writes: reading them back needs no second check. */
export function fromJson<T>(text: Json<T>): T {
  return JSON.parse(text) as T;
}

export function fromNullableJson<T>(text: Json<T> | null): T | null {
  return text === null ? null : fromJson(text);
}
