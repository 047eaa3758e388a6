"""The HTTP door of the register, by audience."""

from services.intake.api import additions, attachments, citizens, doors, staff

ROUTES = (doors.routes, additions.routes, citizens.routes, attachments.routes, staff.routes)
PUBLIC = frozenset({"submit_letter", "log_in_with_wechat", "list_channels", "upload_attachment"}) | additions.PUBLIC
