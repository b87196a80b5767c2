// The plan beside what was sold, one picture: ribbons are what was sold as planned, hatched is what was planned and not sold, the accent is
// what was sold instead. Hatched and accent are equally high, and that height is how much would have to move.
import { useId, useLayoutEffect, useRef, useState } from 'preact/hooks'
import { percent } from '../lib/format'
import type { MixKey } from '../lib/types'
import { classes } from './basics'
import { planOrder } from './mix'

const BAR = 26
const GAP = 6
const LABEL_MIN = 42

interface Part {
	key: MixKey
	planned: number
	sold: number
	kept: number
	left: number
	right: number
}

/** Where each part stands on both sides, in pixels. */
function lay(keys: MixKey[], height: number): Part[] {
	const room = height - GAP * Math.max(0, keys.length - 1)
	let left = 0
	let right = 0
	return keys.map(key => {
		const planned = Math.max(0, key.target ?? 0) * room
		const sold = Math.max(0, key.actual ?? 0) * room
		const part = { key, planned, sold, kept: Math.min(planned, sold), left, right }
		left += planned + GAP
		right += sold + GAP
		return part
	})
}

/** Labels stand at the middle of their part, moved as far as it takes not to overlap. */
function spread(middles: number[], height: number): number[] {
	const at = middles.map(middle => middle - LABEL_MIN / 2)
	for (let i = 0; i < at.length; i++) at[i] = Math.max(at[i]!, i === 0 ? 0 : at[i - 1]! + LABEL_MIN)
	for (let i = at.length - 1; i >= 0; i--) at[i] = Math.min(at[i]!, i === at.length - 1 ? height - LABEL_MIN : at[i + 1]! - LABEL_MIN)
	return at
}

const ribbon = (x0: number, x1: number, y0: number, y1: number, thick: number): string => {
	const half = (x0 + x1) / 2
	return `M${x0} ${y0}C${half} ${y0} ${half} ${y1} ${x1} ${y1}V${y1 + thick}C${half} ${y1 + thick} ${half} ${y0 + thick} ${x0} ${y0 + thick}Z`
}

export function MixFlow({ keys, label, actual = 'Sold' }: { keys: MixKey[]; label: (key: string) => string; actual?: string }) {
	const room = useRef<HTMLDivElement>(null)
	const [width, setWidth] = useState(240)
	const hatch = useId()
	useLayoutEffect(() => {
		if (!room.current) return
		const observer = new ResizeObserver(([entry]) => entry && setWidth(Math.max(80, entry.contentRect.width)))
		observer.observe(room.current)
		return () => observer.disconnect()
	}, [])

	const ordered = planOrder(keys)
	const height = Math.max(340, ordered.length * (LABEL_MIN + 4))
	const parts = lay(ordered, height)
	const planned = parts.filter(part => part.planned > 0)
	const sold = parts.filter(part => part.sold > 0 || part.planned > 0)
	const leftLabels = spread(planned.map(part => part.left + part.planned / 2), height)
	const rightLabels = spread(sold.map(part => part.right + part.sold / 2), height)
	const spoken = ordered.map(key => `${label(key.key)}: plan ${percent(key.target ?? 0)}, ${actual.toLowerCase()} ${percent(key.actual)}`).join('; ')
	return (
		<div class="flow" role="img" aria-label={spoken}>
			<div class="flow-head"><span>Plan</span><span>{actual}</span></div>
			<div class="flow-body" style={{ height: `${height}px` }}>
				<div class="flow-side is-left">
					{planned.map((part, at) => (
						<div key={part.key.key} class="flow-label" style={{ top: `${leftLabels[at]}px` }}>
							<span class="flow-name">{label(part.key.key)}</span>
							<span class="flow-figure">{percent(part.key.target)}</span>
						</div>
					))}
				</div>
				<div class="flow-room" ref={room}>
					<svg width={width} height={height} viewBox={`0 0 ${width} ${height}`}>
						<defs>
							<pattern id={hatch} width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><path d="M0 0V6" class="flow-hatch" /></pattern>
						</defs>
						{parts.map(part => (
							<g key={part.key.key}>
								{part.kept > 0 && <path class="flow-ribbon" d={ribbon(BAR, width - BAR, part.left, part.right, part.kept)} />}
								{part.kept > 0 && <rect class="flow-kept" x="0" y={part.left} width={BAR} height={part.kept} />}
								{part.kept > 0 && <rect class="flow-kept" x={width - BAR} y={part.right} width={BAR} height={part.kept} />}
								{part.planned > part.kept && <rect class="flow-missed" x="0.5" y={part.left + part.kept} width={BAR - 1} height={part.planned - part.kept} fill={`url(#${hatch})`} />}
								{part.sold > part.kept && <rect class="flow-instead" x={width - BAR} y={part.right + part.kept} width={BAR} height={part.sold - part.kept} />}
							</g>
						))}
					</svg>
				</div>
				<div class="flow-side is-right">
					{sold.map((part, at) => (
						<div key={part.key.key} class="flow-label" style={{ top: `${rightLabels[at]}px` }}>
							<span class="flow-name">{label(part.key.key)}</span>
							<span class={classes('flow-figure', part.sold > part.planned && 'is-over')}>{percent(part.key.actual)}{part.key.unplanned && <span class="flow-note"> not in the plan</span>}</span>
						</div>
					))}
				</div>
			</div>
		</div>
	)
}

/** What the three ways of drawing mean. */
export function FlowLegend() {
	return (
		<ul class="flow-legend">
			<li><span class="swatch is-kept" /> Sold as planned</li>
			<li><span class="swatch is-missed" /> Planned, not sold</li>
			<li><span class="swatch is-instead" /> Sold instead</li>
		</ul>
	)
}
