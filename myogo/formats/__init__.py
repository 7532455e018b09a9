"""How days and times are written where Django chooses the form, by language."""
