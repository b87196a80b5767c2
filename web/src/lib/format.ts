// How figures are written. null is a dash, never a zero.
import type { Value } from './types'

export const NONE = '–'
const LOCALE = 'en'

const formats = new Map<string, Intl.NumberFormat>()
function format(options: Intl.NumberFormatOptions): Intl.NumberFormat {
	const name = JSON.stringify(options)
	let made = formats.get(name)
	if (!made) formats.set(name, (made = new Intl.NumberFormat(LOCALE, options)))
	return made
}

const asNumber = (value: Value | undefined): number | null => (value === null || value === undefined || value === '' ? null : Number(value))

/** 0.529942 → 53% (or 53.0% with one digit). */
export function percent(value: Value | undefined, digits = 0): string {
	const number = asNumber(value)
	return number === null ? NONE : format({ style: 'percent', minimumFractionDigits: digits, maximumFractionDigits: digits }).format(number)
}

/** A difference of fractions in points: +4.2, −3.0. */
export function points(value: Value | undefined, digits = 1): string {
	const number = asNumber(value)
	return number === null ? NONE : format({ minimumFractionDigits: digits, maximumFractionDigits: digits, signDisplay: 'exceptZero' }).format(number * 100).replace('-', '−')
}

/** A difference as it is: +4, −3. */
export function change(value: Value | undefined, digits = 0): string {
	const number = asNumber(value)
	return number === null ? NONE : format({ maximumFractionDigits: digits, signDisplay: 'exceptZero' }).format(number).replace('-', '−')
}

export function count(value: Value | undefined, digits = 0): string {
	const number = asNumber(value)
	return number === null ? NONE : format({ maximumFractionDigits: digits }).format(number)
}

/** A number that may be a year as well: 1996, 2822, 12,500. */
export const quantity = (value: number): string => format({ maximumFractionDigits: 2, useGrouping: 'min2' }).format(value)

export const hours = (value: Value | undefined): string => (asNumber(value) === null ? NONE : `${count(value, Math.abs(Number(value)) < 10 ? 1 : 0)} h`)

/** Money for reading: $1.24M. The exact amount belongs into a title or a table: `exact`. */
export function money(value: Value | undefined, currency: string | null | undefined): string {
	const number = asNumber(value)
	if (number === null) return NONE
	const options: Intl.NumberFormatOptions = Math.abs(number) >= 10_000 ? { notation: 'compact', maximumSignificantDigits: 3 } : { maximumFractionDigits: 0 }
	return withCurrency(number, currency, options)
}

export function exact(value: Value | undefined, currency: string | null | undefined): string {
	const number = asNumber(value)
	return number === null ? NONE : withCurrency(number, currency, {})
}

function withCurrency(number: number, currency: string | null | undefined, options: Intl.NumberFormatOptions): string {
	try {
		return format(currency ? { style: 'currency', currency, currencyDisplay: 'narrowSymbol', ...options } : options).format(number)
	} catch {
		return `${format(options).format(number)} ${currency}` // a currency the browser does not know
	}
}

/** [0.41, 0.66] → 41–66% */
export function interval(ci: [number, number] | null | undefined): string {
	return ci ? `${count(ci[0] * 100)}–${percent(ci[1])}` : NONE
}

export function date(value: string | null | undefined): string {
	if (!value) return NONE
	const day = value.length === 10 ? new Date(`${value}T00:00:00Z`) : new Date(value)
	return new Intl.DateTimeFormat(LOCALE, { day: 'numeric', month: 'short', year: 'numeric', timeZone: 'UTC' }).format(day)
}

/** "just now", "3 min ago" */
export function ago(at: number, now = Date.now()): string {
	const seconds = Math.max(0, Math.round((now - at) / 1000))
	if (seconds < 45) return 'just now'
	if (seconds < 3600) return `${Math.max(1, Math.round(seconds / 60))} min ago`
	return seconds < 86_400 ? `${Math.round(seconds / 3600)} h ago` : `${Math.round(seconds / 86_400)} d ago`
}

/** "nonpositive_denominator" → "nonpositive denominator"; for codes that have no words of their own. */
export const words = (code: string): string => code.replace(/_/g, ' ')

/** Why there is no value, for people. */
export const REASONS: Record<string, string> = {
	empty_denominator: 'nothing to count in this period',
	nonpositive_denominator: 'won money is zero or negative',
	no_target: 'the strategy sets no target for this',
	low_coverage: 'too few parts are known',
	fractional_credit: 'shared credit has no interval',
	no_strategy: 'no strategy was in force',
	no_value: 'nothing there to judge'
}
export const why = (reason: string | null | undefined): string => (reason ? (REASONS[reason] ?? words(reason)) : '')
